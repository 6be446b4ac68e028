/**
 * The errors of IoT Hub's service API. Names and numbers are those of the REST documentation ("Common error codes") and of
 * the .NET SDK's `IotHubServiceErrorCode`; the HTTP status is the first three digits. Of those that only have a name there
 * (Generic… and Configuration…), the last three digits are of our making; no answer shows them.
 */
import { randomUUID } from 'node:crypto';
import { timestamp } from './clock.ts';

const NUMBERS = {
  InvalidProtocolVersion: 400001,
  ArgumentInvalid: 400004,
  ArgumentNull: 400005,
  IotHubFormatError: 400006,
  DeviceDefinedMultipleTimes: 400011,
  BulkRegistryOperationFailure: 400013,
  IotHubUnauthorizedAccess: 401002,
  GenericNotFound: 404000,
  DeviceNotFound: 404001,
  ModuleNotFound: 404010,
  ConfigurationNotFound: 404013,
  GenericMethodNotAllowed: 405000,
  DeviceAlreadyExists: 409001,
  ConfigurationAlreadyExists: 409002,
  ModuleAlreadyExistsOnDevice: 409301,
  PreconditionFailed: 412001,
  MessageTooLarge: 413001,
  TooManyDevices: 413002,
  TooManyModulesOnDevice: 413003,
  ThrottlingException: 429001,
  ServerError: 500001,
  ServiceUnavailable: 503001,
} as const;

export type ErrorCode = keyof typeof NUMBERS;

/** A refusal of the hub. Whoever throws it has changed nothing. */
export class HubError extends Error {
  override readonly name = 'HubError';
  readonly code: ErrorCode;

  /** The message may not hold a semicolon: SDKs split at it. */
  constructor(code: ErrorCode, message: string) {
    super(message.replaceAll(';', ','));
    this.code = code;
  }

  get status(): number {
    return Math.floor(NUMBERS[this.code] / 1000);
  }

  /** The response body. A module that exists already comes back in another envelope than all the rest: so it does from Azure. */
  body(): Readonly<Record<string, string | number>> {
    const trackingId = `${randomUUID().replaceAll('-', '').toUpperCase()}-G:0-TimeStamp:${timestamp()}`;
    if (this.code === 'ModuleAlreadyExistsOnDevice') {
      return { errorCode: NUMBERS[this.code], message: this.message, trackingId, timestampUtc: timestamp() };
    }
    return { Message: `ErrorCode:${this.code};${this.message}`, ExceptionMessage: `Tracking ID:${trackingId}` };
  }
}

/** A 400 for a value that the hub does not take. */
export function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message);
}

/** What a value looks like in a message: cut short, so that a hostile body cannot make a hostile answer. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}
