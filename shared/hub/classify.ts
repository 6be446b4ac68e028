import { type Attempted, accessFault } from '../identity/index.ts';
import type { Problem } from './hub.ts';
import { untilNextDay } from './message-quota.ts';

/** The fields of an `azure-iothub` error that this file reads. The types of the SDK guarantee none of these fields. */
interface SdkError {
  readonly message?: unknown;
  readonly response?: { readonly statusCode?: unknown; readonly headers?: Readonly<Record<string, unknown>> };
  readonly responseBody?: unknown;
}

/**
 * Converts an error of `azure-iothub` into a {@link Problem}. The HTTP status decides, because the error classes of the SDK are
 * unreliable. Every 403 is a `TooManyDevicesError`, and a 404 with an unknown code is a plain `Error`. An error without an HTTP response
 * means that the connection failed.
 *
 * @param now The present time. It is needed to convert a date in `Retry-After` into milliseconds.
 * @param attempted What the call tried, for the message when the hub refuses the caller. Absent: the message is that of the hub.
 */
export function classifyError(error: unknown, now: Date, attempted?: Attempted): Problem {
  const { response, responseBody, message } = (error ?? {}) as SdkError;
  const status = typeof response?.statusCode === 'number' ? response.statusCode : 0;
  const body = typeof responseBody === 'string' ? responseBody : '';
  const code = codeOf(body);
  // A quota that is used up has the status 403 too, but the caller has its rights.
  if (isQuotaEnd(code)) return { ...quotaEnd(brief(body)), waits: true, retryAfter: untilNextDay(now) };
  // The same holds while the hub runs as many jobs as it may.
  const isAboutAccess = attempted !== undefined && code !== 'JobQuotaExceeded';
  const fault = isAboutAccess ? accessFault(error, status, code, attempted) : undefined;
  // A token can be had again a moment later. A refused caller is refused again.
  if (fault?.code === 'noToken') return { type: 'transient', message: fault.message, access: fault.code };
  if (fault !== undefined) return { type: 'refused', status, message: fault.message, access: fault.code };
  const text = brief(body) || brief(typeof message === 'string' ? message : 'the error has no message');
  if (status === 0) return { type: 'transient', message: `no answer from the hub: ${text}` };
  return classifyStatus(status, code, `${status} ${text}`, retryAfter(response?.headers, now));
}

/**
 * Converts one error in the answer to a bulk call into a {@link Problem}. The code of the error is a name or a number, depending on the
 * version of the service.
 */
export function classifyBulkEntry(entry: { readonly errorCode?: unknown; readonly errorStatus?: unknown }): Problem {
  const code = String(entry.errorCode ?? '');
  const message = brief(`${code}: ${String(entry.errorStatus ?? '')}`);
  const number = Number(code);
  // A numeric error code starts with its HTTP status: 404001 is DeviceNotFound, 409301 is ModuleAlreadyExistsOnDevice.
  const status = Number.isInteger(number) && number >= 1000 ? Math.floor(number / 1000) : statusOfCode(code);
  const name = number === 404010 ? 'ModuleNotFound' : code;
  return classifyStatus(status, name, message);
}

function classifyStatus(status: number, code: string, message: string, after?: number): Problem {
  if (isQuotaEnd(code)) return quotaEnd(message);
  switch (status) {
    case 404:
      return { type: 'gone', what: /module/i.test(code) ? 'module' : 'device', message };
    case 409:
      return { type: 'exists', message };
    case 412:
      return { type: 'conflict', message };
    case 429:
      return { type: 'throttled', message, ...(after === undefined ? {} : { retryAfter: after }) };
    case 408:
      return { type: 'transient', message };
    default:
      return status >= 500 ? { type: 'transient', message } : { type: 'refused', status, message };
  }
}

/**
 * Whether the daily message quota of the hub is used up. The hub then refuses what costs messages. Its documentation names the statuses 403 and
 * 429, and the code 403002.
 */
function isQuotaEnd(code: string): boolean {
  return /^IotHubQuotaExceeded$/i.test(code) || code === '403002';
}

function quotaEnd(message: string): Problem & { readonly type: 'throttled' } {
  return {
    type: 'throttled',
    quota: 'hub',
    message: `put off until 00:00 UTC, because the daily message quota of the hub is used up: ${message}`,
  };
}

function statusOfCode(code: string): number {
  if (/NotFound$/.test(code)) return 404;
  if (/AlreadyExists/.test(code)) return 409;
  if (/^PreconditionFailed|ETag/i.test(code)) return 412;
  if (/^Throttl/.test(code)) return 429;
  if (/^(Server|Service|Generic(Server|Timeout|Unavailable)|Operation(Timed|Cancel))/.test(code)) return 503;
  return 400;
}

/** The error code in the body of an IoT Hub response, such as `{"Message":"ErrorCode:DeviceNotFound;…"}`. `''` when there is none. */
function codeOf(body: string): string {
  return /ErrorCode:\s*(\w+)/i.exec(body)?.[1] ?? '';
}

/**
 * The value of the header `Retry-After` in milliseconds. The header contains a number of seconds or an HTTP date (RFC 9110, 10.2.3). A
 * date in the past gives 0. `undefined` when the header is missing or invalid.
 */
function retryAfter(headers: Readonly<Record<string, unknown>> | undefined, now: Date): number | undefined {
  const value = headers?.['retry-after'];
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  // `Date.parse` also accepts texts that are not HTTP dates. An HTTP date has three possible forms, and each starts with the day of the
  // week.
  const date = /^\s*(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

/**
 * The error message of the hub without its tracking id, cut to 300 characters. Any text that looks like a key or a signature is replaced
 * by `…`.
 */
function brief(text: string): string {
  const message = /"Message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
  return message.replace(/SharedAccessSignature[^"']*|sig=[^&\s"']*|SharedAccessKey=[^;\s"']*/gi, '…').slice(0, 300);
}
