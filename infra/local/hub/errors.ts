/**
 * The errors of IoT Hub's service API. The names and numbers of the errors come from the REST documentation ("Common error codes") and from
 * `IotHubServiceErrorCode` in the .NET SDK. The first three digits of a number are the HTTP status.
 *
 * The documentation gives no numbers for the errors whose names start with Generic or Configuration. The last three digits of these numbers
 * are invented. No response contains them.
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
  IotHubUnauthorized: 401003,
  IotHubQuotaExceeded: 403002,
  JobQuotaExceeded: 403003,
  GenericNotFound: 404000,
  DeviceNotFound: 404001,
  JobNotFound: 404002,
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

/** An error response of the hub. An operation that throws a `HubError` has changed nothing. */
export class HubError extends Error {
  override readonly name = 'HubError';
  readonly code: ErrorCode;

  /** Creates an error. Semicolons in the message become commas, because the SDKs split messages at semicolons. */
  constructor(code: ErrorCode, message: string) {
    super(message.replaceAll(';', ','));
    this.code = code;
  }

  get status(): number {
    return Math.floor(errorNumbers[this.code] / 1000);
  }

  /**
   * The body of the error response. As in Azure, the body of `ModuleAlreadyExistsOnDevice` has other fields than the body of any other
   * error.
   */
  body(): Readonly<Record<string, string | number>> {
    const trackingId = `${randomUUID().replaceAll('-', '').toUpperCase()}-G:0-TimeStamp:${timestamp()}`;
    if (this.code === 'ModuleAlreadyExistsOnDevice') {
      return { errorCode: errorNumbers[this.code], message: this.message, trackingId, timestampUtc: timestamp() };
    }
    return { Message: `ErrorCode:${this.code};${this.message}`, ExceptionMessage: `Tracking ID:${trackingId}` };
  }
}

/** The headers that name an error. Microsoft's .NET client reads the first one, and other clients read the second one. */
export function errorHeaders(code: ErrorCode): Readonly<Record<string, string>> {
  return { IotHubErrorCode: code, 'iothub-errorcode': code };
}

/** Creates the error for an invalid value in a request. The HTTP status is 400. */
export function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message);
}

/**
 * Converts a value to JSON for an error message. A text of more than 120 characters is cut, so that a large request body cannot cause a
 * large response.
 */
export function preview(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}
