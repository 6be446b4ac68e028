import type { PolicySet } from '../policy/index.ts';
import type { DeviceRows } from './device-rows.ts';
import type { DeviceWork, ModuleWork } from './device-work.ts';

/** How far the results of queries are taken to lag the twins at most ("minutes", says the documentation), in milliseconds. */
const queryLag = 15 * 60_000;

/** What the history does not settle about the modules of a device, so that it has to be asked of the hub or tried there. No I/O. */
export class NeededCalls {
  readonly #policies: PolicySet;
  readonly #deviceId: string;
  readonly #deviceRows: DeviceRows;

  constructor(policies: PolicySet, deviceId: string, deviceRows: DeviceRows) {
    this.#policies = policies;
    this.#deviceId = deviceId;
    this.#deviceRows = deviceRows;
  }

  /** Whether the module's twin must be read: for a departure that is not over, or because something open may be. */
  mustRead(module: ModuleWork): boolean {
    const deviceRows = this.#deviceRows;
    if (module.mustRead) return true;
    if (module.foundMissing && (this.#wasThere(module) || !this.#isSettledByCreating(module))) return true;
    if (module.mayEndOpenRows && deviceRows.openRows(module.moduleId).length > 0) return true;
    return module.evidence.some(({ departure, ended }) =>
      ended === undefined
        ? deviceRows.isNewOrUnfinished(departure)
        : ended === 'healed' && deviceRows.isUnfinished(departure),
    );
  }

  /** Whether the module is to be created: an event says that it is not there, and the history does not say that this was seen to. */
  mustCreate({ moduleId, foundMissing: absent, missing }: ModuleWork): boolean {
    if (absent) return true;
    const write = missing.findLast(({ ended }) => ended === undefined)?.write;
    if (write === undefined) return false;
    const departure = { deviceId: this.#deviceId, moduleId, path: '', kind: 'missingModule', write } as const;
    return this.#creating(moduleId).some(({ name, mode }) =>
      this.#deviceRows.isNewOrUnfinished({ ...departure, policy: name, mode, expected: undefined, actual: undefined }),
    );
  }

  /** Whether it does no harm to believe that a module is not there: creating it would show, or it is on record as missing already. */
  #isSettledByCreating({ moduleId }: ModuleWork): boolean {
    return (
      this.#creating(moduleId).some(({ mode }) => mode === 'enforce') ||
      this.#deviceRows.openRows(moduleId).some(({ kind }) => kind === 'missingModule')
    );
  }

  /** Whether the history knows of the module's having been there at about the time when a sweep did not find it: queries lag. */
  #wasThere({ moduleId, writeIfMissing: absentSince }: ModuleWork): boolean {
    const since = Date.parse(absentSince?.at ?? '') - queryLag;
    return this.#deviceRows.rows().some((row) => {
      if (row.moduleId !== moduleId || Date.parse(row.closedAt ?? row.outcomeAt) < since) return false;
      return row.kind === 'missingModule'
        ? row.outcome === 'created' || row.outcome === 'healed' || row.closedAt !== undefined
        : row.outcome !== 'gone' && row.outcome !== 'pending';
    });
  }

  /** The policies that want the module on this device, as far as its id tells. */
  #creating(moduleId: string) {
    return this.#policies
      .forModule(moduleId)
      .filter(({ createModule, scope }) => createModule && scope.mayMatchId(this.#deviceId));
  }
}

/** Whether events tell of what is over already: it asks nothing of the hub, and has to be written down. */
export function hasEndedEvidence({ modules }: DeviceWork): boolean {
  return [...modules.values()].some(
    ({ evidence, missing }) =>
      evidence.some(({ ended }) => ended !== undefined) || missing.some(({ ended }) => ended !== undefined),
  );
}
