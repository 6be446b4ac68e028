import type { TableClient } from '@azure/data-tables';
import type { DriftRow } from './departure.ts';
import { fromEntity } from './row-entity.ts';

/** Maximum number of entities in one response of Table Storage. */
export const entitiesPerRequest = 1000;

/**
 * Maximum number of requests to Table Storage for one page of results. A filter that few rows meet would otherwise read a partition of a
 * million rows for one page.
 */
const maxRequests = 50;

/** Number of characters in the rows that were read for a page after which the page ends. */
const maxCharacters = 8_000_000;

/** Maximum number of rows in the first response. A row can have values of 100 KB. The size of later responses follows from these rows. */
const rowsOfFirstRequest = 200;

/** An entity of a table. */
export type Entity = Readonly<Record<string, unknown>>;

/** One response of Table Storage. Without `token`, it is the last one of its range. */
export interface Answer {
  readonly entities: readonly Entity[];
  readonly token?: string;
}

/** A page of results while it fills: its rows, and what it may still cost. */
export class PageProgress {
  readonly rows: DriftRow[] = [];
  readonly #limit: number;
  readonly #deadline: number;
  #requests = 0;
  #rowsRead = 0;
  #charactersRead = 0;

  /**
   * @param limit Maximum number of rows on the page.
   * @param maxSearchTime Milliseconds after which the page ends.
   */
  constructor(limit: number, maxSearchTime: number) {
    this.#limit = limit;
    this.#deadline = performance.now() + maxSearchTime;
  }

  /** Number of rows that the page still takes. */
  get room(): number {
    return this.#limit - this.rows.length;
  }

  /** Whether the page must end, even with fewer rows than its limit. */
  get mustEnd(): boolean {
    return (
      performance.now() >= this.#deadline || this.#requests >= maxRequests || this.#charactersRead >= maxCharacters
    );
  }

  /** The number of rows that may be asked for at once, when they are as long as the rows before. */
  get rowsPerRequest(): number {
    if (this.#rowsRead === 0) return rowsOfFirstRequest;
    const fitting = Math.ceil((maxCharacters - this.#charactersRead) / (this.#charactersRead / this.#rowsRead));
    return Math.min(entitiesPerRequest, Math.max(1, fitting));
  }

  /** Sends one request. */
  async request(client: TableClient, filter: string, maxPageSize: number, token?: string): Promise<Answer> {
    this.#requests++;
    const pages = client
      .listEntities<Record<string, unknown>>({ queryOptions: { filter } })
      .byPage({ maxPageSize, ...(token === undefined ? {} : { continuationToken: token }) });
    const { value } = await pages.next();
    const entities: readonly Entity[] = value ?? [];
    this.#rowsRead += entities.length;
    this.#charactersRead += entities.reduce((sum, entity) => sum + charactersOf(entity), 0);
    const next = value?.continuationToken;
    return { entities, ...(next === undefined ? {} : { token: next }) };
  }

  /** Adds a row. Returns `false` when the page is then full. */
  add(entity: Entity): boolean {
    this.rows.push(fromEntity(entity));
    return this.room > 0;
  }
}

/** Number of characters in the texts of an entity. */
function charactersOf(entity: Entity): number {
  return Object.values(entity).reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0);
}
