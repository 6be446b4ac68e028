/** Device and module identities: the fields that a request may write, and the JSON documents in responses. */
import { randomBytes } from 'node:crypto';
import { neverTimestamp, timestamp } from './clock.ts';
import { type DeviceScopes, readScopes, renderScopes, type ScopesWrite, writeScopes } from './device-scope.ts';
import { invalid, preview } from './errors.ts';
import { newIdentityEtag } from './etag.ts';
import type { Target } from './ids.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';

const authenticationTypes = ['sas', 'selfSigned', 'certificateAuthority', 'none'] as const;

/**
 * The fields of an identity that a request writes. A missing field keeps its value. In a new identity, a missing field gets its default.
 */
export interface IdentityWrite extends ScopesWrite {
  readonly status?: 'enabled' | 'disabled';
  readonly statusReason?: string | null;
  readonly authentication?: {
    readonly type: (typeof authenticationTypes)[number];
    readonly keys: readonly [primary: string | undefined, secondary: string | undefined];
    readonly thumbprints: readonly [primary: string | undefined, secondary: string | undefined];
  };
  readonly iotEdge?: boolean;
  readonly managedBy?: string;
}

/** A device or module identity, without its ids. Some fields are used only for devices, for example `iotEdge`. */
export interface Identity {
  readonly generationId: string;
  readonly etag: string;
  readonly status: 'enabled' | 'disabled';
  readonly statusReason: string | null;
  readonly statusUpdatedTime: string;
  readonly authentication: JsonObject & { readonly type: string };
  readonly iotEdge: boolean;
  readonly managedBy: string | null;
  /** The scopes of a device. Modules have none. */
  readonly scopes: DeviceScopes;
}

/** The scopes of an identity that is in no scope. */
const noScopes: DeviceScopes = { deviceScope: null, parentScopes: [] };

/**
 * Applies a write to the identity `before`. Without `before`, creates an identity with generated keys. `now` is in milliseconds since 1970.
 */
export function writeIdentity(
  { deviceId, moduleId }: Target,
  write: IdentityWrite,
  before: Identity | undefined,
  now: number,
): Identity {
  const iotEdge = write.iotEdge ?? before?.iotEdge ?? false;
  const scopesBefore = before === undefined ? undefined : { ...before.scopes, iotEdge: before.iotEdge };
  const status = write.status ?? before?.status ?? 'enabled';
  return {
    generationId: before?.generationId ?? ticks(now),
    etag: newIdentityEtag(),
    status,
    statusReason: write.statusReason === undefined ? (before?.statusReason ?? null) : write.statusReason,
    statusUpdatedTime:
      before !== undefined && before.status !== status ? timestamp(now) : (before?.statusUpdatedTime ?? neverTimestamp),
    authentication: writeAuthentication(write.authentication, before?.authentication),
    iotEdge,
    managedBy: write.managedBy ?? before?.managedBy ?? null,
    scopes: moduleId === undefined ? writeScopes(deviceId, iotEdge, write, scopesBefore, ticks(now)) : noScopes,
  };
}

/** The time as .NET counts it: in units of 100 nanoseconds since the year 1. */
function ticks(now: number): string {
  return String(BigInt(Math.floor(now * 10_000)) + 621_355_968_000_000_000n);
}

/** Reads the fields of an identity from a request body. Throws 400 if a field is invalid. */
export function readIdentityWrite(body: JsonObject): IdentityWrite {
  const { status, statusReason, managedBy } = body;
  if (status !== undefined && status !== null && status !== 'enabled' && status !== 'disabled') {
    throw invalid(`status must be "enabled" or "disabled", not ${preview(status)}`);
  }
  const authentication = readAuthentication(body.authentication);
  const capabilities = body.capabilities;
  const iotEdge = isObject(capabilities) ? capabilities.iotEdge : undefined;
  if (iotEdge !== undefined && typeof iotEdge !== 'boolean') {
    throw invalid(`capabilities.iotEdge must be a boolean, not ${preview(iotEdge)}`);
  }
  return {
    ...(status === undefined || status === null ? {} : { status }),
    ...(typeof statusReason === 'string' || statusReason === null ? { statusReason } : {}),
    ...(authentication === undefined ? {} : { authentication }),
    ...(iotEdge === undefined ? {} : { iotEdge }),
    ...(typeof managedBy === 'string' ? { managedBy } : {}),
    ...readScopes(body),
  };
}

/** The JSON document of a device in the response of `GET /devices/{id}`. */
export function renderDevice(deviceId: string, identity: Identity): JsonObject {
  return {
    deviceId,
    generationId: identity.generationId,
    etag: identity.etag,
    connectionState: 'Disconnected',
    status: identity.status,
    statusReason: identity.statusReason,
    connectionStateUpdatedTime: neverTimestamp,
    statusUpdatedTime: identity.statusUpdatedTime,
    lastActivityTime: neverTimestamp,
    cloudToDeviceMessageCount: 0,
    authentication: identity.authentication,
    capabilities: { iotEdge: identity.iotEdge },
    ...renderScopes(identity.scopes),
  };
}

/** The JSON document of a module in the response of `GET /devices/{id}/modules/{mid}`. */
export function renderModule(deviceId: string, moduleId: string, identity: Identity): JsonObject {
  return {
    moduleId,
    managedBy: identity.managedBy,
    deviceId,
    generationId: identity.generationId,
    etag: identity.etag,
    connectionState: 'Disconnected',
    connectionStateUpdatedTime: neverTimestamp,
    lastActivityTime: neverTimestamp,
    cloudToDeviceMessageCount: 0,
    authentication: identity.authentication,
  };
}

/** The fields of an identity in a twin document, in the same order as in Azure. */
export function renderTwinIdentity(identity: Identity): JsonObject {
  return {
    deviceEtag: identity.etag,
    status: identity.status,
    ...(identity.statusReason === null ? {} : { statusReason: identity.statusReason }),
    statusUpdateTime: identity.statusUpdatedTime,
    connectionState: 'Disconnected',
    lastActivityTime: neverTimestamp,
    cloudToDeviceMessageCount: 0,
    authenticationType: identity.authentication.type,
    x509Thumbprint: identity.authentication.x509Thumbprint ?? null,
    modelId: '',
  };
}

function readAuthentication(value: JsonValue | undefined): IdentityWrite['authentication'] {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw invalid(`authentication must be an object, not ${preview(value)}`);
  const typeName = value.type ?? 'sas';
  const type = authenticationTypes.find((known) => known === typeName);
  if (type === undefined)
    throw invalid(`authentication.type must be one of ${authenticationTypes.join(', ')}, not ${preview(typeName)}`);
  const keys = readPair(value.symmetricKey, 'primaryKey', 'secondaryKey');
  for (const key of keys) {
    // IoT Hub requires "Base64 format with a key length between 16 and 64 bytes" (Identity registry).
    const length = key === undefined ? 32 : Buffer.from(key, 'base64').length;
    if (key !== undefined && (!/^[A-Za-z0-9+/]+={0,2}$/.test(key) || length < 16 || length > 64)) {
      throw invalid('A symmetric key must be 16 to 64 bytes in Base64');
    }
  }
  return { type, keys, thumbprints: readPair(value.x509Thumbprint, 'primaryThumbprint', 'secondaryThumbprint') };
}

function readPair(
  value: JsonValue | undefined,
  ...names: readonly [string, string]
): readonly [string | undefined, string | undefined] {
  const read = (name: string): string | undefined => {
    const item = isObject(value) ? value[name] : undefined;
    if (item === undefined || item === null || item === '') return undefined;
    if (typeof item !== 'string') throw invalid(`${name} must be a string, not ${preview(item)}`);
    return item;
  };
  return [read(names[0]), read(names[1])];
}

function writeAuthentication(
  write: IdentityWrite['authentication'],
  before: Identity['authentication'] | undefined,
): Identity['authentication'] {
  if (write === undefined && before !== undefined) return before;
  const type = write?.type ?? 'sas';
  const existingKeys = before?.type === 'sas' && isObject(before.symmetricKey) ? before.symmetricKey : {};
  const key = (newKey: string | undefined, name: string): JsonValue =>
    type === 'sas' ? (newKey ?? existingKeys[name] ?? randomBytes(32).toString('base64')) : null;
  return {
    symmetricKey: { primaryKey: key(write?.keys[0], 'primaryKey'), secondaryKey: key(write?.keys[1], 'secondaryKey') },
    x509Thumbprint: {
      primaryThumbprint: write?.thumbprints[0] ?? null,
      secondaryThumbprint: write?.thumbprints[1] ?? null,
    },
    type,
  };
}
