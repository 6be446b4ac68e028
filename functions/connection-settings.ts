import type { Identity } from '../shared/identity/index.ts';
import type { StorageAccount } from '../shared/storage/index.ts';

/** The settings that have a value, by name. */
type Given = Readonly<Record<string, string | undefined>>;

/** A way to name one of the three services that the app connects to: the settings that must be given together. */
type Way = readonly string[];

interface Connection {
  /** The beginning of the names of the settings that choose an identity, such as `IOTHUB__clientId`. */
  readonly prefix: string;
  readonly why: string;
  /** The ways to name the service. One of them must be given. */
  readonly ways: readonly Way[];
  /** Whether the Functions host reads these settings too. Two ways at once are then refused: app and host could choose differently. */
  readonly isReadByHost: boolean;
  /** The way that uses a key. The others use an identity. */
  readonly keyed: string;
}

const connections: readonly Connection[] = [
  {
    prefix: 'IOTHUB',
    why: 'it names the IoT hub',
    ways: [['IOTHUB_HOSTNAME'], ['IOTHUB_CONNECTION_STRING']],
    isReadByHost: false,
    keyed: 'IOTHUB_CONNECTION_STRING',
  },
  {
    prefix: 'EventHubConnection',
    why: 'the hub routes its events to this event hub namespace',
    ways: [['EventHubConnection'], ['EventHubConnection__fullyQualifiedNamespace']],
    isReadByHost: true,
    keyed: 'EventHubConnection',
  },
  {
    prefix: 'AzureWebJobsStorage',
    why: 'this storage account holds the queues and tables',
    ways: [
      ['AzureWebJobsStorage'],
      ['AzureWebJobsStorage__accountName'],
      [
        'AzureWebJobsStorage__blobServiceUri',
        'AzureWebJobsStorage__queueServiceUri',
        'AzureWebJobsStorage__tableServiceUri',
      ],
    ],
    isReadByHost: true,
    keyed: 'AzureWebJobsStorage',
  },
];

/**
 * Checks that each of the three connections is named once, whole, and with an identity that the Functions host understands too.
 * @returns one sentence for each fault
 */
export function connectionFaults(given: Given): readonly string[] {
  return connections.flatMap((connection) => [...wayFaults(connection, given), ...identityFaults(connection, given)]);
}

function wayFaults({ ways, why, prefix, isReadByHost }: Connection, given: Given): readonly string[] {
  const begun = ways.filter((way) => way.some((name) => given[name] !== undefined));
  const [way, other] = begun;
  if (way === undefined) return [`${list(ways.flatMap(([name]) => name ?? []))} is missing: ${why}.`];
  if (other !== undefined && isReadByHost) {
    return [
      `${begun
        .flat()
        .filter((name) => given[name] !== undefined)
        .join(
          ' and ',
        )} are ways to name the same service: keep one, and remove the other. Otherwise the app and the Functions host could use different ones for ${prefix}.`,
    ];
  }
  const missing = way.filter((name) => given[name] === undefined);
  const present = way.filter((name) => given[name] !== undefined);
  return missing.map((name) => `${name} is missing: it belongs to ${present.join(' and ')}.`);
}

function identityFaults({ prefix, keyed, ways }: Connection, given: Given): readonly string[] {
  const credential = `${prefix}__credential`;
  const clientId = `${prefix}__clientId`;
  const names = [credential, clientId].filter((name) => given[name] !== undefined);
  const usesKey =
    given[keyed] !== undefined && !ways.some((way) => !way.includes(keyed) && given[way[0] ?? ''] !== undefined);
  if (names.length > 0 && usesKey) {
    return [`${names.join(' and ')} must be removed: ${keyed} signs in with a key, and not with an identity.`];
  }
  // Without the credential, the Functions host ignores the client id and asks for another identity, which has no rights.
  return given[clientId] !== undefined && given[credential] === undefined
    ? [`${credential} is missing: ${clientId} counts only together with ${credential}=managedidentity.`]
    : [];
}

/** Names as a list in a sentence: `a`, `a or b`, `a, b or c`. */
function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** The identity for a connection, from the settings `…__credential` and `…__clientId`. */
export function identityFor(prefix: 'IOTHUB' | 'AzureWebJobsStorage', given: Given): Identity {
  if (given[`${prefix}__credential`] === undefined) return { type: 'default' };
  const clientId = given[`${prefix}__clientId`];
  return clientId === undefined ? { type: 'managed' } : { type: 'managed', clientId };
}

/** The storage account that the settings name. The name of an account means the public cloud. Other clouds need the service URIs. */
export function storageAccountOf(given: Given, identity: Identity): StorageAccount {
  const {
    AzureWebJobsStorage: connectionString,
    AzureWebJobsStorage__accountName: name,
    AzureWebJobsStorage__queueServiceUri: queueUri,
    AzureWebJobsStorage__tableServiceUri: tableUri,
    AzureWebJobsStorage__blobServiceUri: blobUri,
  } = given;
  if (connectionString !== undefined) return { connectionString };
  return {
    queueUri: queueUri ?? `https://${name}.queue.core.windows.net`,
    tableUri: tableUri ?? `https://${name}.table.core.windows.net`,
    blobUri: blobUri ?? `https://${name}.blob.core.windows.net`,
    identity,
  };
}
