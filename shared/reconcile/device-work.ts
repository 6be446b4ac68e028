import type { Departure } from '../drift/index.ts';
import type { HubEvent, IdentityChanged, TwinReplaced, TwinUpdated } from '../events/index.ts';
import { checkRule, mendingValue, type Policy, type PolicySet } from '../policy/index.ts';
import { fitsTwin, isJsonObject, parsePath, type Write, writeAt } from '../twin/index.ts';
import { brokenRules, obstacleMessage } from './departures.ts';
import { mayEndNotReported } from './not-reported.ts';
import { isTouched, mayBeObject, patchedValue, touchedProperties } from './patch-reading.ts';

/** What an event adds to a history row beside the departure. */
export interface EventRef {
  readonly operationTimestamp: string;
  readonly correlationId?: string;
}

/** A departure that an event shows, whatever the twin may be by now. */
export interface Evidence extends EventRef {
  readonly departure: Departure;
  /** Set when a later event of the same batch shows that it was over before we acted. */
  ended?: 'healed' | 'gone';
}

/** A module that events say is not there, and which some policy wants. */
export interface MissingModule extends EventRef {
  /** Whether it was deleted, or has never been there because its device is new. */
  readonly cause: 'deleted' | 'newDevice';
  readonly write: Write;
  ended?: 'healed' | 'gone';
}

/** What there is to do about one module of a device, or about the device's own twin. */
export interface ModuleWork {
  readonly moduleId: string;
  /** Its twin must be read, whatever the evidence says. */
  mustRead: boolean;
  /** A sweep found that it is not there. Believed, unless the history knows of its having been there since. */
  foundMissing: boolean;
  /** Something that a policy owns was written and is right: what was open may be over. */
  mayEndOpenRows: boolean;
  /** Deleted, with all that was open about it, at this time. */
  deletedAt?: string;
  /** Should it turn out not to be there, it is missing since this write. Without it, a missing module is its deletion event's matter. */
  writeIfMissing?: Write;
  readonly evidence: Evidence[];
  missing: MissingModule[];
}

/** What there is to do about one device: everything that a batch of events asks for, folded into one. */
export interface DeviceWork {
  readonly deviceId: string;
  readonly modules: Map<string, ModuleWork>;
  /** The device was deleted at this time. */
  deletedAt?: string;
  /** For rows that no event shows by itself. */
  eventRef?: EventRef;
}

/**
 * Folds the events of one device, in their order, into what there is to do about it. Pure, and cheap where nothing is owned: most
 * events are about properties that no policy owns, and those leave no work at all.
 */
export function workFromEvents(policies: PolicySet, deviceId: string, events: readonly HubEvent[]): DeviceWork {
  const work: DeviceWork = { deviceId, modules: new Map() };
  for (const event of events) {
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

/** The work of looking at a device whatever events say: each module that a policy is about is read, and created when missing. */
export function workForDevice(policies: PolicySet, deviceId: string, since: Write): DeviceWork {
  const work: DeviceWork = { deviceId, modules: new Map() };
  for (const policy of policies.all)
    if (policy.scope.mayMatchId(deviceId)) mustReadModule(policies, work, policy, since);
  return work;
}

/** The work of looking at one module that may break a policy; if it is not there after all, and should be, it is missing since `since`. */
export function workForModule(policies: PolicySet, deviceId: string, moduleId: string, since: Write): DeviceWork {
  const work: DeviceWork = { deviceId, modules: new Map() };
  for (const policy of policies.forModule(moduleId)) {
    if (policy.scope.mayMatchId(deviceId)) mustReadModule(policies, work, policy, since);
  }
  return work;
}

/** The work of creating a module that is not there, as far as is known. */
export function workForMissingModule(
  policies: PolicySet,
  deviceId: string,
  moduleId: string,
  since: Write,
): DeviceWork {
  const work: DeviceWork = { deviceId, modules: new Map() };
  if (policies.forModule(moduleId).some((policy) => policy.createModule && policy.scope.mayMatchId(deviceId))) {
    Object.assign(moduleWork(work, moduleId), { absent: true, absentSince: since });
  }
  return work;
}

/** The time of the oldest write that events speak of, to the millisecond: history need not be recalled further back. */
export function oldestWrite({ modules }: DeviceWork): string | undefined {
  const times = [...modules.values()].flatMap(({ evidence, missing }) => [
    ...evidence.map(({ departure }) => departure.write.at),
    ...missing.map(({ write: since }) => since.at),
  ]);
  if (times.length === 0) return undefined;
  const milliseconds = times.map((time) => Date.parse(time)).filter((time) => time >= 0);
  return new Date(milliseconds.length < times.length ? 0 : Math.min(...milliseconds)).toISOString();
}

/** Since when a module is not there, if it turns out not to be. */
export function missingModuleWrite(module: ModuleWork): Write | undefined {
  return module.missing.findLast(({ ended }) => ended === undefined)?.write ?? module.writeIfMissing;
}

function moduleWork(work: DeviceWork, moduleId: string): ModuleWork {
  let module = work.modules.get(moduleId);
  if (module === undefined) {
    module = { moduleId, mustRead: false, foundMissing: false, mayEndOpenRows: false, evidence: [], missing: [] };
    work.modules.set(moduleId, module);
  }
  return module;
}

function foldUpdate(policies: PolicySet, work: DeviceWork, event: TwinUpdated): void {
  const { deviceId, moduleId, desired, reported } = event;
  if (moduleId === '' && event.tags !== undefined) foldTags(policies, work, event, event.version);
  if (desired !== undefined) {
    for (const { policy, property } of touchedProperties(policies, moduleId, desired.properties)) {
      if (!policy.scope.mayMatchId(deviceId)) continue;
      setEventRef(event, work);
      const module = moduleWork(work, moduleId);
      const actual = patchedValue(desired.properties, property.path);
      // A patch holds only a part of an object; and what no twin could hold is no evidence, and would not fit a row.
      if ((isJsonObject(actual) && mayBeObject(property)) || !fitsTwin(actual ?? null)) {
        module.mustRead = true;
        continue;
      }
      const written = actual === null ? undefined : actual;
      endEvidence(module, policy, property.text, 'healed');
      const kind = checkRule(property.rule, written);
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
          expected: mendingValue(property.rule),
          actual: written,
          // This very event is the write, also where it took something away.
          write: { version: write.version, at: write.at, exact: true },
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

function foldReplacement(policies: PolicySet, work: DeviceWork, event: TwinReplaced): void {
  const { deviceId, moduleId, twin } = event;
  if (moduleId === '') foldTags(policies, work, event, twin.version);
  const concerned = policies.forModule(moduleId).filter((policy) => policy.scope.mayMatchId(deviceId));
  if (concerned.length === 0) return;
  setEventRef(event, work);
  const module = moduleWork(work, moduleId);
  const broken = brokenRules(concerned, twin);
  // Without metadata nothing says which write brought a value, and what no twin could hold is no evidence; the twin itself will tell.
  const known = writeAt(twin.desired, []) !== undefined && fitsTwin(twin.desired.properties);
  module.mayEndOpenRows = true;
  module.mustRead ||= !known || concerned.some((policy) => policy.watches.length > 0);
  for (const policy of concerned) for (const { text } of policy.owned) endEvidence(module, policy, text, 'healed');
  if (!known) return;
  for (const departure of broken) {
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
      const since = { version: twin.version, at: operationTimestamp, exact: true };
      module.missing.push({ ...eventRefOf(event), cause: 'newDevice', write: since });
    }
  }
  const module = work.modules.get(moduleId);
  for (const missing of moduleId === '' ? [] : (module?.missing ?? [])) missing.ended ??= 'healed';
  // Whoever made the module, it is missing no more: a record that only an audit keeps of that ends here.
  if (moduleId !== '' && policies.createdModules.includes(moduleId)) {
    setEventRef(event, work);
    moduleWork(work, moduleId).mayEndOpenRows = true;
  }
  // A twin that comes in two steps, first empty and then filled, must not leave departures in the history: this is a hint only.
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
      // A hub may tell of a device's modules before it tells of the device: those are no departures.
      module.missing = module.missing.filter(({ cause, ended }) => cause === 'newDevice' || ended !== undefined);
      endAll(module);
    }
    return;
  }
  const concerned = policies.forModule(moduleId).filter((policy) => policy.scope.mayMatchId(deviceId));
  if (concerned.length === 0) return;
  setEventRef(event, work);
  const module = moduleWork(work, moduleId);
  endAll(module);
  module.deletedAt = operationTimestamp;
  if (concerned.some((policy) => policy.createModule)) {
    const since = { version: twin.version, at: operationTimestamp, exact: true };
    module.missing.push({ ...eventRefOf(event), cause: 'deleted', write: since });
  }
}

/** A device's tags can bring it into a policy's scope. */
function foldTags(policies: PolicySet, work: DeviceWork, event: HubEvent, version: number): void {
  for (const policy of policies.all) {
    if (policy.scope.byIdAlone || !policy.scope.mayMatchId(event.deviceId)) continue;
    setEventRef(event, work);
    mustReadModule(policies, work, policy, { version, at: event.operationTimestamp, exact: false });
  }
}

function mustReadModule(policies: PolicySet, work: DeviceWork, policy: Policy, since: Write): void {
  const module = moduleWork(work, policy.module);
  module.mustRead = true;
  if (policies.createdModules.includes(policy.module)) module.writeIfMissing = since;
}

function endEvidence(module: ModuleWork, policy: Policy, path: string, how: 'healed' | 'gone'): void {
  for (const evidence of module.evidence) {
    const { departure } = evidence;
    if (departure.policy === policy.name && departure.path === path) evidence.ended ??= how;
  }
}

function endAll(module: ModuleWork): void {
  for (const evidence of module.evidence) evidence.ended ??= 'gone';
  for (const missing of module.missing) missing.ended ??= 'gone';
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
