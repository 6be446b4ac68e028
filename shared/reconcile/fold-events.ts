import type { HubEvent, IdentityChanged, TwinReplaced, TwinUpdated } from '../events/index.ts';
import { checkValue, isRequired, type Policy, type PolicySet, repairValue } from '../policy/index.ts';
import { fitsTwin, isJsonObject, obstacleOn, parsePath, type TwinSection, writeAt } from '../twin/index.ts';
import { brokenRules, obstacleMessage } from './departures.ts';
import {
  type DeviceWork,
  type EventRef,
  type Evidence,
  type ModuleWork,
  moduleWork,
  mustReadModule,
} from './device-work.ts';
import { emptiedBy, missingBaseline, requiredProperties } from './missing-baseline.ts';
import { isSameWrite } from './missing-periods.ts';
import { mayEndNotReported } from './not-reported.ts';
import { isTouched, isWritten, mayBeObject, patchedValue, touchedProperties } from './patch-reading.ts';

/**
 * Returns the work for one device: the modules to read, and the evidence to record. Its input is the events of that device, in any order.
 * Most events change only properties that no policy owns, and need no work. Pure.
 */
export function workFromEvents(policies: PolicySet, deviceId: string, events: readonly HubEvent[]): DeviceWork {
  const work: DeviceWork = { deviceId, modules: new Map() };
  for (const event of inOrder(events)) {
    switch (event.type) {
      case 'twinUpdated':
        foldUpdate(policies, work, event);
        break;
      case 'twinReplaced':
        foldReplacement(policies, work, event);
        break;
      case 'identityCreated':
        foldCreation(policies, work, event);
        break;
      case 'identityDeleted':
        foldDeletion(policies, work, event);
        break;
    }
  }
  return work;
}

/**
 * Sorts events by the time of the hub's operation. A redelivered batch may hold older events after newer ones. Events with the same time
 * keep their order.
 */
function inOrder(events: readonly HubEvent[]): readonly HubEvent[] {
  return events.toSorted((a, b) => Date.parse(a.operationTimestamp) - Date.parse(b.operationTimestamp) || 0);
}

function foldUpdate(policies: PolicySet, work: DeviceWork, event: TwinUpdated): void {
  const { deviceId, moduleId, desired, reported } = event;
  if (moduleId === '' && event.tags !== undefined) foldTags(policies, work, event, event.version);
  if (desired !== undefined) {
    const emptied = foldRemovedBaselines(policies, work, event, desired);
    for (const { policy, property } of touchedProperties(policies, moduleId, desired.properties)) {
      if (!policy.scope.mayMatchId(deviceId)) continue;
      const module = moduleWork(work, moduleId);
      const patched = patchedValue(desired.properties, property.path);
      const actual = patched === null ? undefined : patched;
      if (!isWritten(desired, property.path)) {
        // Another write set this value, and the event does not say which write. The twin is read when the value breaks the rule.
        if (checkValue(property.rule, actual) === undefined) module.mayEndOpenRows = true;
        else module.mustRead = true;
        continue;
      }
      setEventRef(event, work);
      // The event is no evidence in two cases: the patch may hold only a part of an object, or the value is too large for a twin and so for
      // a row. The twin is read instead.
      if ((isJsonObject(patched) && mayBeObject(property)) || !fitsTwin(patched ?? null)) {
        module.mustRead = true;
        continue;
      }
      if (emptied.has(policy) && isRequired(property.rule)) {
        endEvidence(module, policy, property.text, 'superseded');
        continue;
      }
      const kind = checkValue(property.rule, actual);
      endEvidence(module, policy, property.text, kind === undefined ? 'healed' : 'superseded');
      if (kind === undefined) {
        module.mayEndOpenRows = true;
        continue;
      }
      const write = writeAt(desired, property.path) ?? { version: desired.version, at: event.operationTimestamp };
      module.evidence.push({
        ...eventRefOf(event),
        departure: {
          deviceId,
          moduleId,
          policy: policy.name,
          path: property.text,
          kind,
          expected: repairValue(property.rule),
          actual,
          // The event reports the write itself. The write is therefore exact, even when it removed the property.
          write: { ...write, exact: true },
          mode: policy.mode,
          ...obstacleMessage(desired.properties, property.path),
        },
      });
    }
  }
  if (reported !== undefined && mayEndNotReported(policies, deviceId, moduleId, reported.properties)) {
    setEventRef(event, work);
    moduleWork(work, moduleId).mayEndOpenRows = true;
  }
  for (const policy of policies.forModule(moduleId)) {
    if (policy.watches.length === 0 || !policy.scope.mayMatchId(deviceId)) continue;
    if (policy.watches.some((watch) => isTouched(event, parsePath(watch)))) {
      setEventRef(event, work);
      moduleWork(work, moduleId).mustRead = true;
    }
  }
}

/**
 * Finds the policies for which an update removes every required property, adds one piece of evidence for each of them, and returns them.
 * When an update writes a property of a policy, the evidence that an earlier update gave in this way gets an end.
 */
function foldRemovedBaselines(
  policies: PolicySet,
  work: DeviceWork,
  event: TwinUpdated,
  desired: TwinSection,
): ReadonlySet<Policy> {
  const { deviceId, moduleId, operationTimestamp } = event;
  const emptied = new Set<Policy>();
  for (const policy of policies.forModule(moduleId)) {
    if (!policy.scope.mayMatchId(deviceId)) continue;
    const required = requiredProperties(policy);
    const patched = required.map(({ path }) => patchedValue(desired.properties, path));
    if (patched.every((value) => value === undefined)) continue;
    const module = moduleWork(work, moduleId);
    const isWhole = patched.every((value) => value !== null && value !== undefined);
    endEvidence(module, policy, '', isWhole ? 'healed' : 'superseded');
    const isEmptied =
      required.length > 1 &&
      patched.every((value) => value === null) &&
      required.every(({ path }) => isWritten(desired, path) && obstacleOn(desired.properties, path) === undefined);
    if (!isEmptied) continue;
    emptied.add(policy);
    setEventRef(event, work);
    const { version, at } = writeAt(desired, []) ?? { version: desired.version, at: operationTimestamp };
    const departure = missingBaseline(policy, event, { version, at, exact: true, ...emptiedBy(policy, desired) });
    module.evidence.push({ ...eventRefOf(event), departure });
  }
  return emptied;
}

function foldReplacement(policies: PolicySet, work: DeviceWork, event: TwinReplaced): void {
  const { deviceId, moduleId, twin } = event;
  if (moduleId === '') foldTags(policies, work, event, twin.version);
  const concerned = policies.forModule(moduleId).filter((policy) => policy.scope.mayMatchId(deviceId));
  if (concerned.length === 0) return;
  setEventRef(event, work);
  const module = moduleWork(work, moduleId);
  const broken = brokenRules(concerned, twin);
  // The event is no evidence in two cases: the twin has no metadata, so the writes are unknown, or the twin is larger than the limits and
  // does not fit a row. The twin is read instead.
  const isEvidence = writeAt(twin.desired, []) !== undefined && fitsTwin(twin.desired.properties);
  module.mayEndOpenRows = true;
  module.mustRead ||=
    !isEvidence ||
    concerned.some((policy) => policy.watches.length > 0) ||
    broken.some(({ path }) => !isWritten(twin.desired, parsePath(path)));
  for (const policy of concerned) {
    const isEmpty = broken.some(({ policy: name, kind }) => name === policy.name && kind === 'missingBaseline');
    endEvidence(module, policy, '', isEmpty ? 'superseded' : 'healed');
    for (const { text, rule } of policy.owned) {
      if (isEmpty && isRequired(rule)) {
        endEvidence(module, policy, text, 'superseded');
        continue;
      }
      const isBroken = broken.some((departure) => departure.policy === policy.name && departure.path === text);
      endEvidence(module, policy, text, isBroken ? 'superseded' : 'healed');
    }
  }
  if (!isEvidence) return;
  for (const departure of broken) {
    if (!isWritten(twin.desired, parsePath(departure.path))) continue;
    const write = {
      ...departure.write,
      exact: departure.write.exact || departure.write.version === twin.desired.version,
    };
    module.evidence.push({ ...eventRefOf(event), departure: { ...departure, write } });
  }
}

function foldCreation(policies: PolicySet, work: DeviceWork, event: IdentityChanged): void {
  const { deviceId, moduleId, twin, operationTimestamp } = event;
  if (moduleId === '') {
    for (const policy of policies.all) {
      if (!policy.createModule || !policy.scope.mayMatchId(deviceId)) continue;
      setEventRef(event, work);
      const module = moduleWork(work, policy.module);
      if (module.missing.some((missing) => missing.ended === undefined)) continue;
      const write = { version: twin.version, at: operationTimestamp, exact: true };
      module.missing.push({ ...eventRefOf(event), cause: 'newDevice', write });
    }
  }
  const module = work.modules.get(moduleId);
  for (const missing of moduleId === '' ? [] : (module?.missing ?? [])) missing.ended ??= 'healed';
  // The creation of the module ends the open row that records the module as missing. In audit mode too, such a row is open.
  if (moduleId !== '' && policies.createdModules.includes(moduleId)) {
    setEventRef(event, work);
    moduleWork(work, moduleId).mayEndOpenRows = true;
  }
  // A module is often created with an empty twin, and a second write fills the twin. The drift of the empty twin must not be recorded, so
  // the pass reads the twin.
  const concerned = policies.forModule(moduleId).filter((policy) => policy.scope.mayMatchId(deviceId));
  if (concerned.some((policy) => policy.watches.length > 0) || brokenRules(concerned, twin).length > 0) {
    setEventRef(event, work);
    moduleWork(work, moduleId).mustRead = true;
  }
}

function foldDeletion(policies: PolicySet, work: DeviceWork, event: IdentityChanged): void {
  const { deviceId, moduleId, twin, operationTimestamp } = event;
  if (moduleId === '') {
    setEventRef(event, work);
    work.deletedAt = operationTimestamp;
    for (const module of work.modules.values()) {
      // A hub may report that the modules of a device were deleted, and then that the device was deleted. The modules are then not recorded
      // as missing.
      module.missing = module.missing.filter(({ cause, ended }) => cause === 'newDevice' || ended !== undefined);
      for (const missing of module.missing) missing.ended ??= 'gone';
      endModuleWork(module);
    }
    return;
  }
  const concerned = policies.forModule(moduleId).filter((policy) => policy.scope.mayMatchId(deviceId));
  if (concerned.length === 0) return;
  setEventRef(event, work);
  const module = moduleWork(work, moduleId);
  const write = { version: twin.version, at: operationTimestamp, exact: true };
  // The batch can hold one event several times.
  if (module.missing.some((missing) => isSameWrite(missing.write, write))) return;
  endModuleWork(module);
  // When the batch has two deletions without a creation event between them, somebody created the module between the two. This ends the
  // earlier deletion.
  for (const missing of module.missing) missing.ended ??= 'healed';
  module.deletedAt = operationTimestamp;
  if (concerned.some((policy) => policy.createModule)) {
    module.missing.push({ ...eventRefOf(event), cause: 'deleted', write, deletedTwin: twin });
  }
}

/** Adds work for a device whose tags may have changed. New tags can bring the device into the scope of a policy. */
function foldTags(policies: PolicySet, work: DeviceWork, event: HubEvent, version: number): void {
  for (const policy of policies.all) {
    if (policy.scope.usesIdOnly || !policy.scope.mayMatchId(event.deviceId)) continue;
    setEventRef(event, work);
    mustReadModule(policies, work, policy, { version, at: event.operationTimestamp, exact: false });
  }
}

/** Marks departures of one property as ended. Earlier events of the batch showed these departures. */
function endEvidence(module: ModuleWork, policy: Policy, path: string, ended: NonNullable<Evidence['ended']>): void {
  for (const evidence of module.evidence) {
    const { departure } = evidence;
    if (departure.policy === policy.name && departure.path === path) evidence.ended ??= ended;
  }
}

/** Removes the work on a deleted module. Departures that earlier events of the batch showed get the end `gone`. */
function endModuleWork(module: ModuleWork): void {
  for (const evidence of module.evidence) evidence.ended ??= 'gone';
  module.mustRead = false;
  module.foundMissing = false;
  module.mayEndOpenRows = false;
  delete module.writeIfMissing;
}

function setEventRef(event: HubEvent, work: DeviceWork): void {
  work.eventRef = eventRefOf(event);
}

function eventRefOf({ operationTimestamp, correlationId }: HubEvent): EventRef {
  return { operationTimestamp, ...(correlationId === undefined ? {} : { correlationId }) };
}
