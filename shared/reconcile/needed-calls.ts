import type { PolicySet } from '../policy/index.ts';
import type { DeviceRows } from './device-rows.ts';
import type { ModuleWork } from './device-work.ts';

/** Assumed maximum lag of query results behind the twins, in milliseconds. Azure's documentation says "minutes". */
const queryLag = 15 * 60_000;

/** Decides from the work and the known rows which modules of a device need a hub call. A redelivered event needs none. No I/O. */
export class NeededCalls {
  readonly #policies: PolicySet;
  readonly #deviceId: string;
  readonly #deviceRows: DeviceRows;

  constructor(policies: PolicySet, deviceId: string, deviceRows: DeviceRows) {
    this.#policies = policies;
    this.#deviceId = deviceId;
    this.#deviceRows = deviceRows;
  }

  /** Whether the module's twin must be read. */
  mustRead(module: ModuleWork): boolean {
    const deviceRows = this.#deviceRows;
    if (module.mustRead) return true;
    if (module.foundMissing && (this.#existedRecently(module) || !this.#isSafeToBelieve(module))) return true;
    if (module.mayEndOpenRows && deviceRows.openRows(module.moduleId).length > 0) return true;
    return module.evidence.some(({ departure, ended }) =>
      ended === undefined
        ? deviceRows.isNewOrUnfinished(departure)
        : ended === 'healed' && deviceRows.isUnfinished(departure),
    );
  }

  /**
   * Whether the module must be created without a read. True when a sweep did not find the module. Also true when an event reports the
   * module as missing, and the row of the missing module is new or unfinished.
   */
  mustCreate({ moduleId, foundMissing, missing }: ModuleWork): boolean {
    if (foundMissing) return true;
    const write = missing.findLast(({ ended }) => ended === undefined)?.write;
    if (write === undefined) return false;
    const departure = { deviceId: this.#deviceId, moduleId, path: '', kind: 'missingModule', write } as const;
    return this.#creatingPolicies(moduleId).some(({ name, mode }) =>
      this.#deviceRows.isNewOrUnfinished({ ...departure, policy: name, mode, expected: undefined, actual: undefined }),
    );
  }

  /**
   * Whether a module can be treated as missing without a read. True when it will be created, because the creation fails if the module
   * exists. Also true when an open row already says that the module is missing.
   */
  #isSafeToBelieve({ moduleId }: ModuleWork): boolean {
    return (
      this.#creatingPolicies(moduleId).some(({ mode }) => mode === 'enforce') ||
      this.#deviceRows.openRows(moduleId).some(({ kind }) => kind === 'missingModule')
    );
  }

  /** Whether rows show that the module existed within {@link queryLag} before a sweep did not find it. */
  #existedRecently({ moduleId, writeIfMissing }: ModuleWork): boolean {
    const earliest = Date.parse(writeIfMissing?.at ?? '') - queryLag;
    return this.#deviceRows.rows().some((row) => {
      if (row.moduleId !== moduleId || Date.parse(row.closedAt ?? row.outcomeAt) < earliest) return false;
      return row.kind === 'missingModule'
        ? row.outcome === 'created' || row.outcome === 'healed' || row.closedAt !== undefined
        : row.outcome !== 'gone' && row.outcome !== 'pending';
    });
  }

  /** The policies that create the module and may have the device in scope, judged by its id. */
  #creatingPolicies(moduleId: string) {
    return this.#policies
      .forModule(moduleId)
      .filter(({ createModule, scope }) => createModule && scope.mayMatchId(this.#deviceId));
  }
}
