import type { Departure } from '../drift/index.ts';
import type { Policy, PolicySet } from '../policy/index.ts';
import type { Twin, Write } from '../twin/index.ts';
import { clockSkew } from './end-outcome.ts';

/** The fields of a history row that identify an event. */
export interface EventRef {
  readonly operationTimestamp: string;
  readonly correlationId?: string;
}

/** Evidence: a departure from a policy that an event shows. The twin may have changed after the event. */
export interface Evidence extends EventRef {
  readonly departure: Departure;
  /**
   * Set when a later event of the same batch shows that the departure is over. `superseded`: the next write of the property was wrong too.
   * `gone`: the module or the device was deleted.
   */
  ended?: 'healed' | 'superseded' | 'gone';
}

/** A module that a policy wants and that does not exist, according to an event. */
export interface MissingModule extends EventRef {
  /** Why the module does not exist. `deleted`: the module was deleted. `newDevice`: the device was just created. */
  readonly cause: 'deleted' | 'newDevice';
  /** The write that goes into the history row of the missing module: the operation of the event. */
  readonly write: Write;
  /** The twin of the deleted module. Absent when the device was just created. */
  readonly deletedTwin?: Twin;
  /**
   * Set when a later event of the same batch ends the drift. `healed`: the module was created. `gone`: the module or the device was
   * deleted.
   */
  ended?: 'healed' | 'gone';
}

/** The work of a pass on one module of a device, or on the device twin. */
export interface ModuleWork {
  readonly moduleId: string;
  /** Whether the pass must read the module's twin, even when the events show no drift. */
  mustRead: boolean;
  /**
   * Whether a sweep did not find the module. The pass then creates the module without a read, unless the history shows that the module
   * existed recently.
   */
  foundMissing: boolean;
  /**
   * Whether the open rows of the module may be over, for example because a compliant value was written. The pass then reads the twin if the
   * module has open rows.
   */
  mayEndOpenRows: boolean;
  /**
   * Time at which the module was deleted, ISO 8601. The pass closes the open rows of the module whose write is not later than this time.
   */
  deletedAt?: string;
  /**
   * The write that goes into the history row when a read does not find the module. Absent when the event of the module's deletion will
   * record the missing module.
   */
  writeIfMissing?: Write;
  readonly evidence: Evidence[];
  missing: MissingModule[];
}

/** The work of a pass on one device. The work combines all events of the device in a batch. */
export interface DeviceWork {
  readonly deviceId: string;
  readonly modules: Map<string, ModuleWork>;
  /** The time at which the device was deleted, ISO 8601. Absent when the device was not deleted. */
  deletedAt?: string;
  /** The last event that caused work. A row for a departure that only a twin shows refers to this event. */
  eventRef?: EventRef;
}

/**
 * Builds the work that reads the modules of all policies that may cover the device, and creates missing modules.
 *
 * @param write The write that goes into the history rows of missing modules.
 */
export function workForDevice(policies: PolicySet, deviceId: string, write: Write): DeviceWork {
  const work: DeviceWork = { deviceId, modules: new Map() };
  for (const policy of policies.all) {
    if (policy.scope.mayMatchId(deviceId)) mustReadModule(policies, work, policy, write);
  }
  return work;
}

/**
 * Builds the work that reads one module, and creates the module when it is missing.
 *
 * @param write The write that goes into the history row when the module is missing.
 */
export function workForModule(policies: PolicySet, deviceId: string, moduleId: string, write: Write): DeviceWork {
  const work: DeviceWork = { deviceId, modules: new Map() };
  for (const policy of policies.forModule(moduleId)) {
    if (policy.scope.mayMatchId(deviceId)) mustReadModule(policies, work, policy, write);
  }
  return work;
}

/**
 * Builds the work that creates a module that a sweep did not find. The work is empty when no policy creates the module on this device.
 *
 * @param write The write that goes into the history row of the missing module.
 */
export function workForMissingModule(
  policies: PolicySet,
  deviceId: string,
  moduleId: string,
  write: Write,
): DeviceWork {
  const work: DeviceWork = { deviceId, modules: new Map() };
  if (policies.forModule(moduleId).some((policy) => policy.createModule && policy.scope.mayMatchId(deviceId))) {
    Object.assign(moduleWork(work, moduleId), { foundMissing: true, writeIfMissing: write });
  }
  return work;
}

/** Returns the work on one module of a device. Adds empty work when the device has no work on this module yet. */
export function moduleWork(work: DeviceWork, moduleId: string): ModuleWork {
  let module = work.modules.get(moduleId);
  if (module === undefined) {
    module = { moduleId, mustRead: false, foundMissing: false, mayEndOpenRows: false, evidence: [], missing: [] };
    work.modules.set(moduleId, module);
  }
  return module;
}

/**
 * Marks the module of a policy, so that the pass reads its twin.
 *
 * @param write The write that goes into the history row when the module is missing and a policy creates the module.
 */
export function mustReadModule(policies: PolicySet, work: DeviceWork, policy: Policy, write: Write): void {
  const module = moduleWork(work, policy.module);
  module.mustRead = true;
  if (policies.createdModules.includes(policy.module)) module.writeIfMissing = write;
}

/**
 * Milliseconds before a sweep's finding from which a pass reads the history. The row of a missing module sorts by the time of the deletion,
 * and the module may have been missing for many hours before Twinkeeper created it. The pass needs that row, because the row can show that
 * the module has been created since.
 */
const historyBeforeFinding = 24 * 3_600_000;

/**
 * The time from which the work needs the history, in milliseconds since 1970: the oldest write that events show, or some time before a
 * sweep's finding. Infinity when the work needs no history. A time that cannot be parsed counts as 1970.
 */
export function historyStart({ modules }: DeviceWork): number {
  const millisecondsOf = (time: string) => Date.parse(time) || 0;
  return [...modules.values()]
    .flatMap(({ evidence, missing, foundMissing, writeIfMissing }) => [
      ...evidence.map(({ departure }) => millisecondsOf(departure.write.at)),
      // The row of a read has the time of the app's clock, and the deletion has the time of the hub's clock. The two clocks may differ.
      ...missing.map(({ write }) => millisecondsOf(write.at) - clockSkew),
      ...(foundMissing ? [millisecondsOf(writeIfMissing?.at ?? '') - historyBeforeFinding] : []),
    ])
    .reduce((first, time) => Math.min(first, time), Number.POSITIVE_INFINITY);
}

/** The deletion or the new device that no later event of the batch ends. */
export function unendedMissing({ missing }: ModuleWork): MissingModule | undefined {
  return missing.findLast(({ ended }) => ended === undefined);
}

/** The write for the history row of a module that does not exist. `undefined` when an event will record the missing module. */
export function missingModuleWrite(module: ModuleWork): Write | undefined {
  return unendedMissing(module)?.write ?? module.writeIfMissing;
}

/** Whether events show departures that ended within the same batch. Such departures need rows, but no repair. */
export function hasEndedEvidence({ modules }: DeviceWork): boolean {
  return [...modules.values()].some(
    ({ evidence, missing }) =>
      evidence.some(({ ended }) => ended !== undefined) || missing.some(({ ended }) => ended !== undefined),
  );
}
