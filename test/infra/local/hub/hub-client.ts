/** Starts a hub for one test file. The tests call the hub through the unmodified SDK, or send plain requests without the SDK. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import azureIotHub from 'azure-iothub';
import { afterAll } from 'vitest';
import { loadCredentials, type PolicyName } from '../../../../infra/local/hub/credentials.ts';
import { EventLog, type LoggedEvent } from '../../../../infra/local/hub/event-log.ts';
import { type RegistryServiceOptions, startRegistryService } from '../../../../infra/local/hub/registry-service.ts';

const hubName = 'test-hub';

export type SdkRegistry = InstanceType<typeof azureIotHub.Registry>;

/** A response as the hub sends it, without the interpretation of the SDK. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The error that the SDK throws when the hub refuses a call. */
export interface SdkError extends Error {
  readonly response: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> };
  readonly responseBody: string;
}

/**
 * Creates the SDK's `Registry` for a hub with its own port and certificate authority. The SDK has no options for the port and the
 * authority. The HTTP agent sets both, because the options of the agent take precedence.
 */
export function connect(
  connectionString: string,
  port: number,
  ca: string,
): { readonly registry: SdkRegistry; close(): void } {
  const agent = new Agent({ keepAlive: true, port, ca } as ConstructorParameters<typeof Agent>[0]);
  const registry = azureIotHub.Registry.fromConnectionString(connectionString.replace(/(HostName=[^;:]+):\d+/, '$1'));
  const internals = registry as unknown as { _restApiClient: { setOptions(options: unknown): void } };
  internals._restApiClient.setOptions({ http: { agent } });
  return { registry, close: () => agent.destroy() };
}

type FixedOptions = 'httpsPort' | 'controlPort' | 'hubName' | 'credentials' | 'log';

/** Starts a hub without the AMQP endpoint, and SDK clients for both shared access policies of the service API. */
export async function startTestHub(options: Omit<RegistryServiceOptions, FixedOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'hub-test-'));
  const log = new EventLog();
  const credentials = await loadCredentials(folder);
  const service = await startRegistryService({
    httpsPort: 0,
    controlPort: 0,
    hubName,
    credentials,
    log,
    ...options,
  });
  const ca = await readFile(credentials.caFile, 'utf8');
  const connectionString = (policy: PolicyName) =>
    `HostName=localhost;SharedAccessKeyName=${policy};SharedAccessKey=${credentials.keys[policy]}`;
  const operator = connect(connectionString('iothubowner'), service.httpsPort, ca);
  const twinkeeper = connect(connectionString('twinkeeper'), service.httpsPort, ca);
  return {
    ...service,
    log,
    ca,
    credentials,
    connectionString,
    operator: operator.registry,
    twinkeeper: twinkeeper.registry,
    async close() {
      operator.close();
      twinkeeper.close();
      await service.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type TestHub = Awaited<ReturnType<typeof startTestHub>>;

/** Starts one hub for all tests of a file, and closes it after the last test. `raw` sends the hub a request without the SDK. */
export async function sharedHub() {
  const hub = await startTestHub();
  afterAll(() => hub.close());
  const raw = (method: string, path: string, options?: RawRequest) => requestRaw(hub, method, path, options);
  return { hub, raw };
}

/**
 * Creates a shared access signature of a policy. The signature is valid until `expiry`, in seconds since 1970. Default: one minute from
 * now.
 */
export function authorizationFor(
  { credentials }: Pick<TestHub, 'credentials'>,
  policy: PolicyName = 'iothubowner',
  expiry = Math.floor(Date.now() / 1000) + 60,
): string {
  return azureIotHub.SharedAccessSignature.create('localhost', policy, credentials.keys[policy], expiry).toString();
}

export const apiVersion = '?api-version=2021-04-12';

let deviceCount = 0;

/** Returns a device id that no other test of the file uses. */
export function newDeviceId(): string {
  deviceCount += 1;
  return `device-${deviceCount}`;
}

/** Creates a device with a new id. */
export async function createDevice(hub: Pick<TestHub, 'operator'>): Promise<string> {
  const deviceId = newDeviceId();
  await hub.operator.create({ deviceId });
  return deviceId;
}

/** Adds a module to a device. The SDK's type declarations require fields that the hub does not need, so the code converts the type. */
export async function addModule({ operator }: Pick<TestHub, 'operator'>, deviceId: string, moduleId: string) {
  await operator.addModule({ deviceId, moduleId } as Parameters<typeof operator.addModule>[0]);
}

/** Creates a device with one module, whose id is `m`. */
export async function createModule(hub: Pick<TestHub, 'operator'>): Promise<[deviceId: string, moduleId: string]> {
  const deviceId = await createDevice(hub);
  await addModule(hub, deviceId, 'm');
  return [deviceId, 'm'];
}

export interface RawRequest {
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** When this signal aborts, the client closes the connection. */
  readonly signal?: AbortSignal;
}

/** Sends a request without the SDK, on a new connection. Rejects if there is no response. */
export function requestRaw(
  hub: Pick<TestHub, 'credentials' | 'httpsPort' | 'ca'>,
  method: string,
  path: string,
  { body, headers, signal }: RawRequest = {},
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      {
        host: '127.0.0.1',
        port: hub.httpsPort,
        method,
        path,
        ca: hub.ca,
        agent: false,
        headers: { authorization: authorizationFor(hub), ...headers },
        ...(signal === undefined ? {} : { signal }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      },
    );
    sent.on('error', reject).end(body);
  });
}

/** Returns the error of a call that the hub must refuse. Throws if the call succeeds. */
export async function refusal(call: Promise<unknown>): Promise<SdkError> {
  try {
    await call;
  } catch (error) {
    return error as SdkError;
  }
  throw new Error('The hub did not refuse.');
}

/** All events of a device in the event log, oldest first. */
export function eventsOf(log: EventLog, deviceId: string): readonly LoggedEvent[] {
  return log.events(log.partitionOf(deviceId)).filter((event) => event.deviceId === deviceId);
}

/** Parses the JSON body of an event. */
export function bodyOf(event: LoggedEvent | undefined): Record<string, unknown> {
  return JSON.parse(String(event?.body)) as Record<string, unknown>;
}
