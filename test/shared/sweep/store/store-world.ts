import { TableClient } from '@azure/data-tables';
import type { startAzurite } from '../../../../infra/local/azurite.ts';
import {
  createSweepStore,
  type SweepClaim,
  type SweepRow,
  type SweepStore,
} from '../../../../shared/sweep/store/index.ts';

type Storage = Awaited<ReturnType<typeof startAzurite>>['endpoints'];

/** Creates the sweep stores of several instances of the app. All stores share one storage account and one clock. */
export class StoreWorld {
  readonly #storage: Storage;
  #time = Date.parse('2026-02-03T04:05:06Z');

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Opens the sweep store of another instance. The store has its own table client and its own memory. */
  open(): SweepStore {
    return createSweepStore(this.#storage, () => new Date(this.#time));
  }

  /** Moves the clock of all stores forward by a number of milliseconds. */
  pass(milliseconds: number): void {
    this.#time += milliseconds;
  }

  get table(): TableClient {
    return TableClient.fromConnectionString(this.#storage.connectionString, 'TwinkeeperSweeps', {
      allowInsecureConnection: true,
    });
  }

  /** Claims a sweep and returns the claim. Throws where another instance holds the lease. */
  async claim(store = this.open()): Promise<SweepClaim> {
    const claim = await store.claim({ trigger: 'timer' });
    if (claim === undefined) throw new Error('Another instance holds the lease.');
    return claim;
  }

  /** Returns a copy of a sweep's row in the state `done`. */
  done(row: SweepRow): SweepRow {
    return { ...row, state: 'done', endedAt: new Date(this.#time).toISOString() };
  }
}
