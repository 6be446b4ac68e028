import { createHash } from 'node:crypto';
import type { ListedRow } from '../drift/index.ts';
import type { Policy } from '../policy/index.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';

/** Maximum number of rows that are read for one policy. A twin whose rows are not read is examined like any other twin. */
const rowsPerPolicy = 50_000;

/**
 * Name of the memo with the policies and the competing settings of the last complete sweep. No policy has this name, because a policy's name
 * has no space.
 */
const rulesMemo = 'rules of held rows';

/** The state of a twin: its version, or `missing` when the module does not exist. */
type TwinState = number | 'missing';

/**
 * The twins whose repair the guards hold back, and which have not changed since. A sweep need not read these twins again. After a change of
 * the policies, the sweep reads all twins once, because a twin may now break other rules too. After a change of the configurations that
 * compete with policies, the sweep does so too, because a configuration may now target other twins.
 */
export class HeldTwins {
  readonly #dependencies: SweepDependencies;
  readonly #byPolicy = new Map<string, Promise<ReadonlyMap<string, TwinState>>>();
  #hash: Promise<string> | undefined;
  #areRulesKnown: Promise<boolean> | undefined;

  constructor(dependencies: SweepDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Whether the guards still hold back the repair of this twin, and the twin is in this state since it was last read.
   *
   * @param state The version of the twin from a query result, `undefined` when it is unknown. `missing`: the module does not exist.
   */
  async isUnchanged(policy: Policy, deviceId: string, state: unknown): Promise<boolean> {
    // When the scope is a function, the sweep cannot find out whether the function still decides in the same way. The twin is then always
    // read again.
    // When the version is unknown, the twin may have changed.
    if (state === undefined || policy.mode !== 'enforce' || policy.scope.definition === undefined) return false;
    let held = this.#byPolicy.get(policy.name);
    if (held === undefined) {
      held = this.#read(policy);
      this.#byPolicy.set(policy.name, held);
    }
    return (await held).get(deviceId) === state;
  }

  /** Remembers the policies and the competing settings at the end of a sweep. The next sweep may then leave out the twins that are held back. */
  async rememberRules(): Promise<void> {
    const { store, clock } = this.#dependencies;
    if (await this.#knowsRules()) return;
    await store.writeMemo(rulesMemo, { at: clock.now().toISOString(), text: await this.#hashOfRules() });
  }

  /** Whether the last complete sweep had the same policies and the same competing settings. */
  #knowsRules(): Promise<boolean> {
    this.#areRulesKnown ??= Promise.all([this.#dependencies.store.readMemo(rulesMemo), this.#hashOfRules()]).then(
      ([memo, hash]) => memo?.text === hash,
    );
    return this.#areRulesKnown;
  }

  /** Returns a hash of the policies, and of the competing settings that the sweep has stored. */
  #hashOfRules(): Promise<string> {
    const { policies, guardStore } = this.#dependencies;
    this.#hash ??= guardStore.competing().then((competing) => hashOf({ policies: policies.all, competing }));
    return this.#hash;
  }

  /** Returns the state of each twin of the policy that is held back, by device id. */
  async #read({ name, module }: Policy): Promise<ReadonlyMap<string, TwinState>> {
    const { openList, guard } = this.#dependencies;
    if (!(await this.#knowsRules())) return new Map();
    const rows: ListedRow[] = [];
    for await (const row of openList.unrepaired(name)) {
      if (row.moduleId === module) rows.push(row);
      if (rows.length === rowsPerPolicy) break;
    }
    const stillHeld = await guard.stillHeld(rows.filter(({ outcome }) => outcome === 'heldBack'));
    const states = new Map<string, TwinState>();
    for (const [deviceId, twinRows] of Map.groupBy(rows, (row) => row.deviceId)) {
      const [first, ...others] = twinRows.map((row) => (stillHeld.has(row) ? stateOf(row) : undefined));
      if (first !== undefined && others.every((state) => state === first)) states.set(deviceId, first);
    }
    return states;
  }
}

function stateOf({ kind, twinVersion }: ListedRow): TwinState | undefined {
  return kind === 'missingModule' ? 'missing' : twinVersion;
}

/** Returns a hash of policies and settings. For a function, the hash covers its source text. */
function hashOf(rules: object): string {
  const text = JSON.stringify(rules, (_, value: unknown) =>
    typeof value === 'function' || value instanceof RegExp ? String(value) : value,
  );
  return createHash('sha256').update(text).digest('base64url');
}
