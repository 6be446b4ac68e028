import type { HttpResponseInit } from '@azure/functions';
import type { Problem } from '../../../shared/hub/index.ts';
import { StorageAccessError } from '../../../shared/identity/index.ts';
import type { ProblemAnswer } from '../answers.ts';
import { commonHeaders } from './common-headers.ts';

/** The kinds of problems, with the status and the title of each. The kind is the last part of the `type` in a problem document. */
const problemKinds = {
  parameter: { status: 400, title: 'Bad parameter' },
  signedOut: { status: 401, title: 'Not signed in' },
  roleMissing: { status: 403, title: 'App role missing' },
  foreignSite: { status: 403, title: 'Request of another site' },
  notFound: { status: 404, title: 'Not found' },
  notAcceptable: { status: 406, title: 'Media type not available' },
  tooMany: { status: 429, title: 'Too many requests' },
  unavailable: { status: 503, title: 'Hub or storage not available' },
  internal: { status: 500, title: 'Internal error' },
} as const;

/**
 * Thrown when a request cannot be answered. The client sees the message, so the message must not contain secrets or internals of the app.
 */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly kind: keyof typeof problemKinds;
  readonly parameter: string | undefined;
  /** Seconds after which the client may try again. `undefined` when a retry would fail in the same way. */
  readonly retryAfter: number | undefined;

  constructor(
    kind: keyof typeof problemKinds,
    detail: string,
    options: ErrorOptions & { readonly parameter?: string; readonly retryAfter?: number } = {},
  ) {
    super(detail, options);
    this.kind = kind;
    this.parameter = options.parameter;
    this.retryAfter = options.retryAfter ?? (kind === 'unavailable' ? 10 : undefined);
  }

  get status(): number {
    return problemKinds[this.kind].status;
  }
}

/** Makes the 400 problem for a malformed parameter. Its detail says what the value must be, and shows the value that was given. */
export function badParameter(parameter: string, must: string, given?: string): ApiProblem {
  const shown = given === undefined ? '' : `, but it is ${JSON.stringify(shorten(given))}`;
  return new ApiProblem('parameter', `${parameter} ${must}${shown}.`, { parameter });
}

/** Makes the 400 problem for a cursor that does not come from an earlier page of the same query. */
export function badCursor(): ApiProblem {
  return badParameter('cursor', 'must come from the page before, with the same filters: begin again without a cursor');
}

/** Makes the 400 problem for a parameter that the endpoint does not have. Its detail lists the parameters that the endpoint has. */
export function unknownParameter(parameter: string, known: readonly string[]): ApiProblem {
  const existing =
    known.length === 0 ? 'This endpoint has no parameters.' : `This endpoint has the parameters ${known.join(', ')}.`;
  const shown = shorten(parameter);
  const detail = `There is no parameter ${JSON.stringify(shown)}. ${existing}`;
  return new ApiProblem('parameter', detail, { parameter: shown });
}

/** Makes the 503 problem for a hub call that failed. The hub's message goes to the log and is not shown to the client. */
export function hubProblem(problem: Problem): ApiProblem {
  const state = {
    gone: 'reports that the device or module is gone',
    exists: 'reports that the module exists already',
    unclear: 'does not say whether it carried out the call',
    conflict: 'reports that the twin has changed meanwhile',
    throttled: problem.type === 'throttled' && problem.isSilent ? 'does not answer' : 'throttles calls now',
    transient: 'does not answer',
    refused: 'denies Twinkeeper access or refuses the call; GET /api/health/details says more',
  }[problem.type];
  return new ApiProblem('unavailable', `The IoT hub ${state}. Try again later.`, { cause: problem.message });
}

/**
 * Turns any error into the problem that the client gets. An `ApiProblem` stays unchanged, and a storage error becomes a 503. Any other
 * error becomes a 500 that only points to the log.
 */
export function toProblem(error: unknown, invocationId: string): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (isStorageError(error)) {
    return new ApiProblem(
      'unavailable',
      'The storage account does not answer, or refuses the request. Try again later.',
      {
        cause: error,
      },
    );
  }
  return new ApiProblem('internal', `An unexpected error occurred. See the app's log for invocation ${invocationId}.`, {
    cause: error,
  });
}

/**
 * Describes the cause of a problem for the log. For an unexpected error, the result is its stack. For a storage error, the result is only
 * its name and codes, because its message can hold addresses and signatures. When the account refuses the app, it says what is missing.
 */
export function describeCause({ kind, cause }: ApiProblem): string {
  if (!(cause instanceof Error)) return typeof cause === 'string' ? cause : '';
  if (cause instanceof StorageAccessError) return cause.message;
  const { code, statusCode } = cause as { readonly code?: unknown; readonly statusCode?: unknown };
  if (kind === 'internal') return cause.stack ?? cause.message;
  return [cause.name, code, statusCode].filter((part) => part !== undefined).join(' ');
}

/** Makes the HTTP response of a problem. Its body is a problem document (RFC 9457). */
export function toProblemResponse({ kind, message, parameter, retryAfter }: ApiProblem): HttpResponseInit {
  const { status, title } = problemKinds[kind];
  const body: ProblemAnswer = {
    type: `urn:twinkeeper:problem:${kind}`,
    title,
    status,
    detail: message,
    ...(parameter === undefined ? {} : { parameter }),
  };
  return {
    status,
    headers: {
      ...commonHeaders,
      'content-type': 'application/problem+json',
      // RFC 9110 demands this header with a 401.
      ...(kind === 'signedOut' ? { 'www-authenticate': 'Bearer' } : {}),
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    },
    body: JSON.stringify(body),
  };
}

/** Whether an error comes from a storage SDK or from a network connection. */
function isStorageError(error: unknown): boolean {
  const { name, code, statusCode } = (error ?? {}) as Readonly<Record<string, unknown>>;
  if (name === 'RestError' || typeof statusCode === 'number') return true;
  return typeof code === 'string' && /^(ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_|EHOST|ENET|UND_ERR)/.test(code);
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
