import type { Departure } from '../drift/index.ts';
import type { PolicySet } from '../policy/index.ts';
import type { DeviceRows } from './device-rows.ts';
import { type MissingModule, type ModuleWork, unendedMissing } from './device-work.ts';
import type { PeriodState } from './period-rows.ts';

/**
 * The assumed maximum time by which the results of hub queries are older than the twins, in milliseconds. The documentation of Azure IoT
 * Hub says only "minutes".
 */
const queryLag = 15 * 60_000;

/**
 * Decides which modules of a device need a call of the hub, from the work and the known rows. A redelivered event needs no call. Does no
 * I/O.
 */
export class NeededCalls {
  readonly #policies: PolicySet;
  readonly #deviceId: string;
  readonly #deviceRows: DeviceRows;

  constructor(policies: PolicySet, deviceId: string, deviceRows: DeviceRows) {
    this.#policies = policies;
    this.#deviceId = deviceId;
    this.#deviceRows = deviceRows;
  }

  /** Whether the pass must read the twin of the module. */
  mustRead(module: ModuleWork): boolean {
    const deviceRows = this.#deviceRows;
    if (module.mustRead) return true;
    if (module.foundMissing && (this.#existedRecently(module) || !this.#isSafeToBelieve(module))) return true;
    const states = this.#periodStates(module, unendedMissing(module));
    if (states.includes('over') && states.some(isUnrecorded)) return true;
    if (module.mayEndOpenRows && deviceRows.openRows(module.moduleId).length > 0) return true;
    return module.evidence.some(({ departure, ended }) =>
      ended === undefined
        ? deviceRows.isNewOrUnfinished(departure)
        : ended === 'healed' && deviceRows.isUnfinished(departure),
    );
  }

  /**
   * Whether the module counts as missing, so that the pass can create the module without a read. True when a sweep did not find the module.
   * Also true when an event reports that the module is missing, and the row of the missing module is new or unfinished.
   */
  mustCreate(module: ModuleWork): boolean {
    return module.foundMissing || this.#periodStates(module, unendedMissing(module)).some(isUnrecorded);
  }

  /**
   * Whether an event shows something that the history lacks, although no call is needed: a missing period without a row that has the write of
   * the event, or a wrong write that a row has not counted.
   */
  mustRecord(module: ModuleWork): boolean {
    if (module.evidence.some(({ departure }) => this.#deviceRows.isUncounted(departure))) return true;
    return module.missing.some((missing) =>
      this.#missingDepartures(module.moduleId, missing).some(
        (departure) => !this.#deviceRows.periods.hasPeriod(departure, missing),
      ),
    );
  }

  /** The states of the rows that record one missing period of a module. Each policy that creates the module has a row. */
  #periodStates({ moduleId }: ModuleWork, missing: MissingModule | undefined): readonly PeriodState[] {
    if (missing === undefined) return [];
    return this.#missingDepartures(moduleId, missing).map((departure) =>
      this.#deviceRows.periods.periodState(departure, missing),
    );
  }

  #missingDepartures(moduleId: string, { write }: MissingModule): readonly Departure[] {
    const departure = { deviceId: this.#deviceId, moduleId, path: '', kind: 'missingModule', write } as const;
    return this.#creatingPolicies(moduleId).map(({ name, mode }) => ({
      ...departure,
      policy: name,
      mode,
      expected: undefined,
      actual: undefined,
    }));
  }

  /**
   * Whether a module can be treated as missing without a read. True when Twinkeeper will create the module, because the creation fails if
   * the module exists. Also true when an open row records that the module is missing.
   */
  #isSafeToBelieve({ moduleId }: ModuleWork): boolean {
    return (
      this.#creatingPolicies(moduleId).some(({ mode }) => mode === 'enforce') ||
      this.#deviceRows.openRows(moduleId).some(({ kind }) => kind === 'missingModule')
    );
  }

  /**
   * Whether rows show that the module existed shortly before a sweep did not find it. "Shortly" means within {@link queryLag} milliseconds.
   * The result of the sweep's query may then be old.
   */
  #existedRecently({ moduleId, writeIfMissing }: ModuleWork): boolean {
    const earliest = Date.parse(writeIfMissing?.at ?? '') - queryLag;
    return this.#deviceRows.rows().some((row) => {
      if (row.moduleId !== moduleId || Date.parse(row.closedAt ?? row.outcomeAt) < earliest) return false;
      return row.kind === 'missingModule'
        ? row.outcome === 'created' || row.outcome === 'healed' || row.closedAt !== undefined
        : row.outcome !== 'gone' && row.outcome !== 'pending';
    });
  }

  /** The policies that create the module, and whose scope may include the device according to its id. */
  #creatingPolicies(moduleId: string) {
    return this.#policies
      .forModule(moduleId)
      .filter(({ createModule, scope }) => createModule && scope.mayMatchId(this.#deviceId));
  }
}

function isUnrecorded(state: PeriodState): boolean {
  return state === 'new' || state === 'unfinished';
}
