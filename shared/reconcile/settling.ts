import type { Departure } from '../drift/index.ts';
import type { DeviceRows } from './device-rows.ts';
import { type ModuleWork, unendedMissing } from './device-work.ts';
import { settlingPrefix } from './end-outcome.ts';
import { beginOf } from './missing-periods.ts';
import type { Plan } from './plan.ts';

/*
 * At its start, IoT Edge's identity service deletes modules and creates them again. It gives up when another writer creates a module first.
 * A deleted module must therefore settle: Twinkeeper does nothing for some time, and then reads the module again. A module that is missing
 * on a new device need not settle.
 */

/** The missing modules of a plan that must settle. */
export interface Settling {
  /** The reason for the history, for each departure that must wait. */
  readonly reasons: ReadonlyMap<Departure, string>;
  /** The time at which the first module is settled, in milliseconds since 1970. Infinity when no module must settle. */
  readonly until: number;
}

export const noneSettling: Settling = { reasons: new Map(), until: Number.POSITIVE_INFINITY };

/** Whether an event reports that the module was deleted, and the time to settle is over. The pass must then read the module again. */
export function isSettledDeletion(module: ModuleWork, settleTime: number, now: number): boolean {
  const missing = unendedMissing(module);
  return missing?.cause === 'deleted' && settleTime > 0 && Date.parse(missing.write.at) + settleTime <= now;
}

/**
 * Finds the modules that the plan creates and that must settle first. Adds the rows of these modules.
 *
 * @param moduleOf The work on the module.
 * @param existedBefore Whether a module without a known deletion existed shortly before the read that did not find it.
 */
export function findSettling(
  { actions }: Plan,
  deviceRows: DeviceRows,
  { settleTime, now }: { readonly settleTime: number; readonly now: number },
  moduleOf: (moduleId: string) => ModuleWork | undefined,
  existedBefore: (moduleId: string) => boolean,
): Settling {
  if (settleTime === 0) return noneSettling;
  const reasons = new Map<Departure, string>();
  let first = Number.POSITIVE_INFINITY;
  for (const action of actions) {
    if (action.type !== 'createModule') continue;
    const module = moduleOf(action.moduleId);
    if (module !== undefined && unendedMissing(module)?.cause === 'newDevice') continue;
    for (const departure of action.repairs) {
      const isKnown = deviceRows.periods.openPeriod(departure) !== undefined;
      if (!isKnown && !existedBefore(action.moduleId)) continue;
      const until = beginOf(deviceRows.rowFromTwin(departure, undefined)) + settleTime;
      if (until <= now) continue;
      first = Math.min(first, until);
      reasons.set(departure, reasonFor(until));
    }
  }
  return { reasons, until: first };
}

function reasonFor(until: number): string {
  const time = new Date(until).toISOString();
  return `${settlingPrefix}the module was deleted, and somebody may be about to create it again. It is left alone until ${time}.`;
}
