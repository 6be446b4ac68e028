import type { Problem } from './hub.ts';

/** What `azure-iothub` rejects with, as far as it can be told: its errors carry the response and its body. */
interface SdkError {
  readonly message?: unknown;
  readonly response?: { readonly statusCode?: unknown; readonly headers?: Readonly<Record<string, unknown>> };
  readonly responseBody?: unknown;
}

/**
 * What an error of `azure-iothub` means. Told by the HTTP status, not by the SDK's error classes: it makes every 403 a
 * `TooManyDevicesError`, and a 404 without a code it knows a plain `Error`. An error without a response is a broken connection.
 * The time is needed where the hub says `Retry-After` with a date.
 */
export function classifyError(error: unknown, now: Date): Problem {
  const { response, responseBody, message } = (error ?? {}) as SdkError;
  const status = typeof response?.statusCode === 'number' ? response.statusCode : 0;
  const body = typeof responseBody === 'string' ? responseBody : '';
  const text = brief(body) || brief(typeof message === 'string' ? message : 'it gave no reason');
  if (status === 0) return { type: 'transient', message: `no answer from the hub: ${text}` };
  return classifyStatus(status, codeOf(body), `${status} ${text}`, retryAfter(response?.headers, now));
}

/** One entry of a bulk answer's `errors`. The code is a name in some versions of the service and a number in others. */
export function classifyBulkEntry(entry: { readonly errorCode?: unknown; readonly errorStatus?: unknown }): Problem {
  const code = String(entry.errorCode ?? '');
  const message = brief(`${code}: ${String(entry.errorStatus ?? '')}`);
  const number = Number(code);
  // Numeric codes begin with the HTTP status they stand for: 404001 DeviceNotFound, 409301 ModuleAlreadyExistsOnDevice, …
  const status = Number.isInteger(number) && number >= 1000 ? Math.floor(number / 1000) : statusOfCode(code);
  const name = number === 404010 ? 'ModuleNotFound' : code;
  return classifyStatus(status, name, message);
}

function classifyStatus(status: number, code: string, message: string, after?: number): Problem {
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

function statusOfCode(code: string): number {
  if (/NotFound$/.test(code)) return 404;
  if (/AlreadyExists/.test(code)) return 409;
  if (/^PreconditionFailed|ETag/i.test(code)) return 412;
  if (/^Throttl/.test(code)) return 429;
  if (/^(Server|Service|Generic(Server|Timeout|Unavailable)|Operation(Timed|Cancel))/.test(code)) return 503;
  return 400;
}

/** The error code in a body of IoT Hub's form: `{"Message":"ErrorCode:DeviceNotFound;…"}`. */
function codeOf(body: string): string {
  return /ErrorCode:\s*(\w+)/i.exec(body)?.[1] ?? '';
}

/** What the hub asks for, in milliseconds: seconds, or an HTTP date (RFC 9110, 10.2.3), of which one that has passed asks for nothing. */
function retryAfter(headers: Readonly<Record<string, unknown>> | undefined, now: Date): number | undefined {
  const value = headers?.['retry-after'];
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  // `Date.parse` takes much for a date; all three forms of an HTTP date begin with the day of the week.
  const date = /^\s*(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

/** The hub's own words without its tracking id, short, and free of anything that looks like a signature. */
function brief(text: string): string {
  const message = /"Message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
  return message.replace(/SharedAccessSignature[^"']*|sig=[^&\s"']*|SharedAccessKey=[^;\s"']*/gi, '…').slice(0, 300);
}
