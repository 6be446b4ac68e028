import type { HttpResponseInit } from '@azure/functions';
import type { Problem } from '../../../shared/hub/index.ts';
import type { ProblemAnswer } from '../shapes.ts';
import { plainHeaders } from './plain-headers.ts';

/** What kinds of problems there are; the last part of their `type`. */
const kinds = {
  parameter: { status: 400, title: 'A parameter cannot be used' },
  notFound: { status: 404, title: 'There is no such thing' },
  notAcceptable: { status: 406, title: 'No such form of answer' },
  unavailable: { status: 503, title: 'Something behind the API does not answer' },
  internal: { status: 500, title: 'Something went wrong' },
} as const;

/** Thrown where a request cannot be answered as it was meant. Its message is for whoever asked, and holds nothing that they must not know. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly kind: keyof typeof kinds;
  readonly parameter: string | undefined;

  constructor(kind: keyof typeof kinds, detail: string, options: ErrorOptions & { readonly parameter?: string } = {}) {
    super(detail, options);
    this.kind = kind;
    this.parameter = options.parameter;
  }

  get status(): number {
    return kinds[this.kind].status;
  }
}

/** A parameter that cannot be used: what it must be, and what it is. */
export function badParameter(parameter: string, must: string, given?: string): ApiProblem {
  const shown = given === undefined ? '' : `, but it is ${JSON.stringify(shorten(given))}`;
  return new ApiProblem('parameter', `${parameter} ${must}${shown}.`, { parameter });
}

/** A cursor that no page of this question has given. */
export function badCursor(): ApiProblem {
  return badParameter('cursor', 'must be that of the answer before, with the same filters: begin again without it');
}

/** A parameter that there is not, beside those that there are. */
export function unknownParameter(parameter: string, known: readonly string[]): ApiProblem {
  const way = known.length === 0 ? 'this takes none' : `there are ${known.join(', ')}`;
  const shown = shorten(parameter);
  return new ApiProblem('parameter', `There is no parameter ${JSON.stringify(shown)}: ${way}.`, { parameter: shown });
}

/** The hub has not done what was asked. Its own words stay in the log. */
export function hubProblem(problem: Problem): ApiProblem {
  const said = {
    gone: 'says that it is gone',
    exists: 'says that it exists',
    conflict: 'has changed meanwhile',
    throttled: 'has no room for more calls now',
    transient: 'does not answer',
    refused: 'does not let Twinkeeper in, or refuses what it asks; GET /api/health may know more',
  }[problem.type];
  return new ApiProblem('unavailable', `The IoT hub ${said}. Try again later.`, { cause: problem.message });
}

/** What any error becomes for whoever asked. Of those that were not foreseen they learn no more than where to look. */
export function toProblem(error: unknown, invocationId: string): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (isOfStorage(error)) {
    return new ApiProblem('unavailable', 'The storage account does not answer as it should. Try again later.', {
      cause: error,
    });
  }
  return new ApiProblem('internal', `The log of the app says more, under invocation ${invocationId}.`, {
    cause: error,
  });
}

/** What is behind a problem, for the log: where in the code for what was not foreseen, and no more than a few words of what others said. */
export function causeOf({ kind, cause }: ApiProblem): string {
  if (!(cause instanceof Error)) return typeof cause === 'string' ? cause : '';
  const { code, statusCode } = cause as { readonly code?: unknown; readonly statusCode?: unknown };
  if (kind === 'internal') return cause.stack ?? cause.message;
  return [cause.name, code, statusCode].filter((part) => part !== undefined).join(' ');
}

/** RFC 9457. */
export function toProblemResponse({ kind, message, parameter }: ApiProblem): HttpResponseInit {
  const { status, title } = kinds[kind];
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
      ...plainHeaders,
      'content-type': 'application/problem+json',
      ...(status === 503 ? { 'retry-after': '10' } : {}),
    },
    body: JSON.stringify(body),
  };
}

/** Errors of the storage SDKs, and those of the connection beneath them. */
function isOfStorage(error: unknown): boolean {
  const { name, code, statusCode } = (error ?? {}) as Readonly<Record<string, unknown>>;
  if (name === 'RestError' || typeof statusCode === 'number') return true;
  return typeof code === 'string' && /^(ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_|EHOST|ENET|UND_ERR)/.test(code);
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
