import type { Clock } from '../../../shared/clock.ts';
import {
  type Answer,
  type BudgetOptions,
  CallGate,
  type Hub,
  type Lane,
  messagesIn,
  type NewModule,
  type OperationClass,
  type QueryPage,
  quotaMessageBytes,
} from '../../../shared/hub/index.ts';
import { isAggregate, parseQuery, pathsIn, predicateOf, type Query, valueAt } from '../../../shared/query/index.ts';
import { type JsonObject, mergePatch, type Twin, toTwin } from '../../../shared/twin/index.ts';

export interface GeneratedHubOptions {
  readonly devices: number;
  readonly moduleId: string;
  /** The desired properties of a module that is in line. */
  readonly baseline: JsonObject;
  readonly tags: JsonObject;
  readonly budget: BudgetOptions;
  readonly clock: Clock;
}

/** What the calls cost. `operations` are those that the hub counts: an entry of a bulk call is one. */
export interface HubCost {
  calls: number;
  operations: number;
  messages: number;
}

/** Maximum number of results on one page. Source: "IoT Hub query language", page size. */
const pageSize = 1000;
/** When every twin was last changed, as the hub writes it. */
const changedAt = '2026-01-01T00:00:00.0000000Z';

/**
 * A hub with one module on each device. It makes each twin when somebody asks for it, and keeps only those that differ from the others. So a
 * million modules take no memory. All calls pass the app's own budget. It answers queries like the local hub, with the same parser.
 */
export class GeneratedHub {
  readonly cost: HubCost = { calls: 0, operations: 0, messages: 0 };
  readonly #options: GeneratedHubOptions;
  readonly #gate: CallGate;
  readonly #messageBytes: number;
  /** Desired properties that differ from the baseline, by the number of the device. */
  readonly #changed = new Map<number, JsonObject>();
  readonly #missing = new Set<number>();

  constructor(options: GeneratedHubOptions) {
    this.#options = options;
    this.#gate = new CallGate({ budget: options.budget, clock: options.clock, random: Math.random });
    this.#messageBytes = quotaMessageBytes(options.budget.tier);
  }

  /** Number of modules that are missing. */
  get missing(): number {
    return this.#missing.size;
  }

  /** Number of modules that differ from the baseline. */
  get changed(): number {
    return this.#changed.size;
  }

  /** Deletes the modules of this number of devices, spread over the fleet. */
  deleteModules(count: number): void {
    for (const number of this.#spread(count)) this.#missing.add(number);
  }

  /** Changes the desired properties of the modules of this number of devices, spread over the fleet. */
  changeModules(count: number, patch: JsonObject): void {
    const desired = mergePatch(this.#options.baseline, patch) as JsonObject;
    for (const number of this.#spread(count)) this.#changed.set(number, desired);
  }

  /** Changes the desired properties of the module of one device. */
  changeModule(number: number, patch: JsonObject): void {
    this.#changed.set(number, mergePatch(this.#options.baseline, patch) as JsonObject);
  }

  /** The id of a device by its number. All ids have the same length. */
  static deviceId(number: number): string {
    return `device-${String(number).padStart(7, '0')}`;
  }

  /** The hub for calls of one lane. */
  lane(lane: Lane): Hub {
    const { moduleId } = this.#options;
    const ask = <T>(operation: OperationClass, answer: () => T, bytesOf?: (value: T) => number) =>
      this.#call(lane, operation, 1, answer, bytesOf);
    return {
      name: 'generated-hub',
      readTwin: async (deviceId, ofModule) => {
        const document = ofModule === moduleId ? this.#module(numberOf(deviceId)) : undefined;
        const twin = document && toTwin(document, deviceId, ofModule);
        if (twin === undefined) return { ok: false, problem: { type: 'gone', what: 'module', message: '404' } };
        return ask<Twin>(
          'twinRead',
          () => twin,
          () => sizeOf(document),
        );
      },
      patchDesired: (deviceId, _module, _etag, patch) =>
        ask(
          'twinUpdate',
          () => this.#patch(numberOf(deviceId), patch),
          () => sizeOf(patch),
        ),
      createModules: (modules) => this.#create(lane, modules),
      countDevices: () => ask('identity', () => this.#options.devices),
      queryPage: (text, continuation) =>
        ask(
          'query',
          () => this.#page(text, continuation),
          ({ items }) => sizeOf(items),
        ),
      listConfigurations: () => ask('configuration', () => []),
      jobs: { startImport: noJobs, startExport: noJobs, read: noJobs, list: noJobs, cancel: noJobs, hasKeys: noJobs },
      lane: (other) => this.lane(other),
      waitFor: (operation) => this.#gate.waitFor(operation, lane),
    };
  }

  async #call<T>(
    lane: Lane,
    operation: OperationClass,
    operations: number,
    answer: () => T,
    bytesOf?: (value: T) => number,
  ): Promise<Answer<T>> {
    const permit = await this.#gate.acquire({ operation, lane, longestWait: 60_000, operations });
    if (!permit.granted) return { ok: false, problem: permit.problem };
    const value = answer();
    this.cost.calls += 1;
    this.cost.operations += operations;
    this.cost.messages += bytesOf === undefined ? 0 : messagesIn(bytesOf(value), this.#messageBytes);
    return { ok: true, value };
  }

  async #create(lane: Lane, modules: readonly NewModule[]): Promise<readonly Answer<void>[]> {
    const answers: Answer<void>[] = [];
    const size = Math.min(100, this.#gate.mostBulkEntries);
    for (let from = 0; from < modules.length; from += size) {
      const batch = modules.slice(from, from + size);
      const answer = await this.#call(lane, 'bulk', batch.length, () => {
        for (const { deviceId } of batch) this.#missing.delete(numberOf(deviceId));
      });
      answers.push(...batch.map(() => answer));
    }
    return answers;
  }

  #patch(number: number, patch: JsonObject): void {
    const { baseline } = this.#options;
    const desired = mergePatch(this.#changed.get(number) ?? baseline, patch) as JsonObject;
    if (JSON.stringify(desired) === JSON.stringify(baseline)) this.#changed.delete(number);
    else this.#changed.set(number, desired);
  }

  #page(text: string, continuation = '0'): QueryPage {
    const query = parseQuery(text);
    if (isAggregate(query)) return { items: this.#counts(query) };
    const items: JsonObject[] = [];
    for (const [number, document] of this.#matching(query, Number(continuation))) {
      if (items.length === pageSize) return { items, continuation: String(number) };
      items.push(selected(query, document));
    }
    return { items };
  }

  #counts(query: Query): readonly JsonObject[] {
    const { select, groupBy = [] } = query;
    if (select === '*') throw new Error('A count selects its fields.');
    const groups = new Map<string, { readonly document: JsonObject; count: number }>();
    for (const [, document] of this.#matching(query, 0)) {
      const key = JSON.stringify(groupBy.map((path) => [valueAt(document, path)]));
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { document, count: 1 });
      else group.count += 1;
    }
    if (groupBy.length === 0 && groups.size === 0) groups.set('', { document: {}, count: 0 });
    return [...groups.values()].map(({ document, count }) =>
      Object.fromEntries(
        select.flatMap((field) => {
          const value = field.type === 'count' ? count : valueAt(document, field.path);
          return value === undefined ? [] : [[field.key, value]];
        }),
      ),
    ) as readonly JsonObject[];
  }

  /** The twins of a query from a device on, each with the number of its device. */
  *#matching({ source, where }: Query, from: number): Generator<readonly [number: number, document: JsonObject]> {
    const { devices } = this.#options;
    const holds = where === undefined ? () => true : predicateOf(where);
    const documentOf = (number: number) => (source === 'devices' ? device(number) : this.#module(number));
    const namesDevice = where !== undefined && pathsIn(where).some(([first]) => first === 'deviceId');
    // All twins that are in line have the same values but for their ids. When one of them does not match, none does.
    const usual = source === 'devices' ? device(0) : this.#document(0, this.#options.baseline);
    const numbers = namesDevice || holds(usual) ? range(from, devices) : this.#unusual(from);
    for (const number of numbers) {
      const document = documentOf(number);
      if (document !== undefined && holds(document)) yield [number, document];
    }
  }

  #unusual(from: number): readonly number[] {
    return [...this.#changed.keys()].filter((number) => number >= from).toSorted((a, b) => a - b);
  }

  #module(number: number): JsonObject | undefined {
    if (this.#missing.has(number)) return undefined;
    return this.#document(number, this.#changed.get(number) ?? this.#options.baseline);
  }

  #document(number: number, desired: JsonObject): JsonObject {
    const { moduleId, tags } = this.#options;
    const metadata = { $metadata: { $lastUpdated: changedAt }, $version: 2 };
    return {
      ...{ deviceId: GeneratedHub.deviceId(number), moduleId, etag: 'AAAAAAAAAAI=', version: 3, tags },
      properties: { desired: { ...desired, ...metadata }, reported: metadata },
    };
  }

  #spread(count: number): readonly number[] {
    return Array.from({ length: count }, (_, index) => Math.floor((index * this.#options.devices) / count));
  }
}

function numberOf(deviceId: string): number {
  return Number(deviceId.slice('device-'.length));
}

function device(number: number): JsonObject {
  const metadata = { $metadata: { $lastUpdated: changedAt }, $version: 1 };
  return {
    ...{ deviceId: GeneratedHub.deviceId(number), etag: 'AAAAAAAAAAE=', version: 2, status: 'enabled', tags: {} },
    capabilities: { iotEdge: false },
    properties: { desired: metadata, reported: metadata },
  };
}

function selected({ select }: Query, document: JsonObject): JsonObject {
  if (select === '*') return document;
  return Object.fromEntries(
    select.flatMap((field) => {
      const value = field.type === 'value' ? valueAt(document, field.path) : undefined;
      return value === undefined ? [] : [[field.key, value]];
    }),
  ) as JsonObject;
}

function* range(from: number, to: number): Generator<number> {
  for (let number = from; number < to; number++) yield number;
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

async function noJobs(): Promise<never> {
  throw new Error('The generated hub has no jobs.');
}
