import type { Departure } from '../drift/index.ts';
import type { Policy, PolicySet } from '../policy/index.ts';
import type { Write } from '../twin/index.ts';

/** The fields of a history row that name an event. */
export interface EventRef {
  readonly operationTimestamp: string;
  readonly correlationId?: string;
}

/** A departure that an event shows, even if the twin has changed after it. */
export interface Evidence extends EventRef {
  readonly departure: Departure;
  /** Set when a later event of the same batch ends the departure. */
  ended?: 'healed' | 'gone';
}

/** A module that a policy wants and that, according to an event, does not exist. */
export interface MissingModule extends EventRef {
  /** `deleted`: the module was deleted. `newDevice`: the device was just created. */
  readonly cause: 'deleted' | 'newDevice';
  /** The write that the history row of the missing module names. */
  readonly write: Write;
  /** Set when a later event of the same batch ends the departure. */
  ended?: 'healed' | 'gone';
}

/** The work on one module of a device, or on the device's own twin. */
export interface ModuleWork {
  readonly moduleId: string;
  /** The twin must be read, whatever the evidence shows. */
  mustRead: boolean;
  /** A sweep did not find the module. It is then created without a read, unless the history shows that it existed recently. */
  foundMissing: boolean;
  /** A compliant value was written to an owned property, so open rows may be over. */
  mayEndOpenRows: boolean;
  /** The time at which the module was deleted. The deletion ends all open rows of the module. */
  deletedAt?: string;
  /** The write for the row of a missing module. Without it, a module that a read does not find is left to its deletion event. */
  writeIfMissing?: Write;
  readonly evidence: Evidence[];
  missing: MissingModule[];
}

/** The work on one device, folded from all events of a batch. */
export interface DeviceWork {
  readonly deviceId: string;
  readonly modules: Map<string, ModuleWork>;
  /** The time at which the device was deleted. */
  deletedAt?: string;
  /** The last event that caused work. Rows of departures that no event shows refer to this event. */
  eventRef?: EventRef;
}

/** Work that reads the modules of all policies, and creates missing ones. `write` is the write for the rows of missing modules. */
export function workForDevice(policies: PolicySet, deviceId: string, write: Write): DeviceWork {
  const work: DeviceWork = { deviceId, modules: new Map() };
  for (const policy of policies.all) {
    if (policy.scope.mayMatchId(deviceId)) mustReadModule(policies, work, policy, write);
  }
  return work;
}

/** Work that reads one module, and creates the module when it is missing. `write` is the write of the missing module's row. */
export function workForModule(policies: PolicySet, deviceId: string, moduleId: string, write: Write): DeviceWork {
  const work: DeviceWork = { deviceId, modules: new Map() };
  for (const policy of policies.forModule(moduleId)) {
    if (policy.scope.mayMatchId(deviceId)) mustReadModule(policies, work, policy, write);
  }
  return work;
}

/** Work that creates a module that a sweep did not find. `write` is the write of the missing module's row. */
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

/** The work on one module of a device. Adds empty work when there is none yet. */
export function moduleWork(work: DeviceWork, moduleId: string): ModuleWork {
  let module = work.modules.get(moduleId);
  if (module === undefined) {
    module = { moduleId, mustRead: false, foundMissing: false, mayEndOpenRows: false, evidence: [], missing: [] };
    work.modules.set(moduleId, module);
  }
  return module;
}

/** Marks the policy's module to be read. `write` is the write of the row when the module is missing and some policy creates it. */
export function mustReadModule(policies: PolicySet, work: DeviceWork, policy: Policy, write: Write): void {
  const module = moduleWork(work, policy.module);
  module.mustRead = true;
  if (policies.createdModules.includes(policy.module)) module.writeIfMissing = write;
}

/** The time of the oldest write in the evidence, ISO 8601. `undefined` without evidence. An unreadable time counts as 1970. */
export function oldestWrite({ modules }: DeviceWork): string | undefined {
  const times = [...modules.values()].flatMap(({ evidence, missing }) => [
    ...evidence.map(({ departure }) => departure.write.at),
    ...missing.map(({ write }) => write.at),
  ]);
  if (times.length === 0) return undefined;
  const milliseconds = times.map((time) => Date.parse(time)).filter((time) => time >= 0);
  return new Date(milliseconds.length < times.length ? 0 : Math.min(...milliseconds)).toISOString();
}

/** The write for the row of a module that does not exist. `undefined` when another event will record the missing module. */
export function missingModuleWrite(module: ModuleWork): Write | undefined {
  return module.missing.findLast(({ ended }) => ended === undefined)?.write ?? module.writeIfMissing;
}

/** Whether events show departures that ended within the same batch. Such departures need rows, but no hub call. */
export function hasEndedEvidence({ modules }: DeviceWork): boolean {
  return [...modules.values()].some(
    ({ evidence, missing }) =>
      evidence.some(({ ended }) => ended !== undefined) || missing.some(({ ended }) => ended !== undefined),
  );
}
