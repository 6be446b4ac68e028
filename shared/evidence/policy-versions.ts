import type { TableClient } from '@azure/data-tables';
import { once } from '../once.ts';
import { definitionText, type Policy, policyHash } from '../policy/index.ts';
import {
  ignoreNotFound,
  joinText,
  listPartition,
  loadFilterTag,
  newestFirst,
  openTable,
  type StorageAccount,
  splitText,
  statusOf,
} from '../storage/index.ts';
import type { JsonObject } from '../twin/index.ts';
import { type InForce, type Period, periodsOf } from './periods.ts';

/** One version of a policy: a definition, and when the app first ran with it. */
export interface PolicyVersion {
  /** The hash of the definition, as the rows of the history name it. */
  readonly version: string;
  /** ISO 8601. */
  readonly firstSeenAt: string;
  /** The version of the app that first ran with it. */
  readonly appVersion: string;
  /** The definition. A function is the text `function ` and its source. */
  readonly definition: JsonObject;
}

/** The versions of policies that an app has run with. */
export interface PolicyVersions {
  /**
   * Keeps what is in force when it has changed, and the definitions that are not kept yet. Reads one entity when nothing has changed.
   *
   * @param onChange Called when something has changed, with what was in force before. Nothing is kept before this call ends. When it throws, or the
   * process dies, the next call of `record` notices the change again.
   */
  record(
    policies: readonly Policy[],
    appVersion: string,
    onChange?: (before: InForce | undefined) => Promise<void>,
  ): Promise<void>;
  /** Lists the versions of a policy, newest first. Reads the partition of the policy. */
  list(policy: string): Promise<readonly PolicyVersion[]>;
  /** Reads one version of a policy. `undefined` when it is not kept. Reads one entity. */
  get(policy: string, version: string): Promise<PolicyVersion | undefined>;
  /** What was in force at a time. `undefined` before the first record. Reads one entity. */
  at(time: Date): Promise<InForce | undefined>;
  /** When which version of a policy was in force, newest first. Reads one entity for each deployment that changed a policy or the app. */
  periods(policy: string): Promise<readonly Period[]>;
}

/*
 * The table:
 *
 *   PartitionKey  `in-force`          RowKey  `<time>`   what was in force since the time, newest first
 *   PartitionKey  `policy!<name>`     RowKey  `<hash>`   a definition
 */
const versionsTable = 'TwinkeeperPolicies';
const inForcePartition = 'in-force';

/** Opens the versions of policies in a storage account. Errors of the storage service are thrown unchanged. */
export function createPolicyVersions(account: StorageAccount, now: () => Date): PolicyVersions {
  const table = once(() => openTable(account, versionsTable));

  async function keep(client: TableClient, policy: Policy, appVersion: string): Promise<void> {
    const entity = {
      ...{ partitionKey: partitionOf(policy.name), rowKey: policyHash(policy), v: 1 },
      ...{ firstSeenAt: now().toISOString(), appVersion },
      ...splitText('definition', definitionText(policy)),
    };
    // Another instance may have kept the definition at the same time.
    await client.createEntity(entity).catch((error: unknown) => {
      if (statusOf(error) !== 409) throw error;
    });
  }

  async function newestBefore(client: TableClient, time: Date): Promise<InForce | undefined> {
    const odata = await loadFilterTag();
    const filter = odata`PartitionKey eq ${inForcePartition} and RowKey ge ${newestFirst(time.getTime())}`;
    const { value: page } = await client
      .listEntities<Record<string, unknown>>({ queryOptions: { filter } })
      .byPage({ maxPageSize: 1 })
      .next();
    const [entity] = page ?? [];
    if (entity === undefined) return undefined;
    return readInForce(entity);
  }

  return {
    async record(policies, appVersion, onChange = async () => {}) {
      const client = await table();
      const at = now();
      const inForce = Object.fromEntries(
        policies
          .map((policy) => [policy.name, { version: policyHash(policy), mode: policy.mode }] as const)
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      );
      const before = await newestBefore(client, at);
      const text = JSON.stringify(inForce);
      if (before?.appVersion === appVersion && JSON.stringify(before.policies) === text) return;
      await onChange(before);
      // The definitions are kept first, so that whatever is named as in force can be read.
      for (const policy of policies) await keep(client, policy, appVersion);
      await client.upsertEntity(
        {
          ...{ partitionKey: inForcePartition, rowKey: newestFirst(at.getTime()), v: 1 },
          ...{ since: at.toISOString(), appVersion },
          ...splitText('policies', text),
        },
        'Replace',
      );
    },

    async list(policy) {
      const versions: PolicyVersion[] = [];
      for await (const entity of listPartition(await table(), partitionOf(policy))) {
        versions.push(toVersion(entity));
      }
      return versions.toSorted((a, b) => (a.firstSeenAt < b.firstSeenAt ? 1 : -1));
    },

    async get(policy, version) {
      const client = await table();
      const entity = await client
        .getEntity<Record<string, unknown>>(partitionOf(policy), version)
        .catch(ignoreNotFound);
      return entity === undefined ? undefined : toVersion(entity);
    },

    at: async (time) => newestBefore(await table(), time),

    async periods(policy) {
      const all: InForce[] = [];
      for await (const entity of listPartition(await table(), inForcePartition)) all.push(readInForce(entity));
      return periodsOf(policy, all);
    },
  };
}

function readInForce(entity: Readonly<Record<string, unknown>>): InForce {
  return {
    since: String(entity.since),
    appVersion: String(entity.appVersion),
    policies: JSON.parse(joinText('policies', entity) ?? '{}') as InForce['policies'],
  };
}

function toVersion(entity: Readonly<Record<string, unknown>>): PolicyVersion {
  return {
    version: String(entity.rowKey),
    firstSeenAt: String(entity.firstSeenAt),
    appVersion: String(entity.appVersion),
    definition: JSON.parse(joinText('definition', entity) ?? '{}') as JsonObject,
  };
}

/** A policy's name has lower-case letters, digits and dashes only. */
function partitionOf(policy: string): string {
  return `policy!${policy}`;
}
