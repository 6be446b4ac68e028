/**
 * The errors of IoT Hub's service API. Names and numbers come from the REST documentation ("Common error codes") and the .NET SDK's
 * `IotHubServiceErrorCode`. The first three digits are the HTTP status.
 *
 * The documentation gives no numbers for the Generic… and Configuration… errors. Their last three digits are invented here, and no
 * response shows them.
 */
import { randomUUID } from 'node:crypto';
import { timestamp } from './clock.ts';

const errorNumbers = {
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

export type ErrorCode = keyof typeof errorNumbers;

/** An error response of the hub. The operation that throws it has changed nothing. */
export class HubError extends Error {
  override readonly name = 'HubError';
  readonly code: ErrorCode;

  /** Replaces semicolons in the message by commas, because the SDKs split messages at semicolons. */
  constructor(code: ErrorCode, message: string) {
    super(message.replaceAll(';', ','));
    this.code = code;
  }

  get status(): number {
    return Math.floor(errorNumbers[this.code] / 1000);
  }

  /** The response body. The body of `ModuleAlreadyExistsOnDevice` has other fields than all other errors, as in Azure. */
  body(): Readonly<Record<string, string | number>> {
    const trackingId = `${randomUUID().replaceAll('-', '').toUpperCase()}-G:0-TimeStamp:${timestamp()}`;
    if (this.code === 'ModuleAlreadyExistsOnDevice') {
      return { errorCode: errorNumbers[this.code], message: this.message, trackingId, timestampUtc: timestamp() };
    }
    return { Message: `ErrorCode:${this.code};${this.message}`, ExceptionMessage: `Tracking ID:${trackingId}` };
  }
}

/** A 400 for an invalid value. */
export function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message);
}

/** A value as JSON for an error message, cut to 120 characters so that a large request body cannot cause a large response. */
export function preview(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}
