/** Requests to the HTTP API, with the function key from the page's address or with the operator's sign-in. */
import type { ShownActions } from '../../../api/action-answers.ts';
import type { HealthDetails } from '../../../api/health-answers.ts';
import type {
  DeadLettersPage,
  DeviceAnswer,
  DriftPage,
  OpenPage,
  PoliciesAnswer,
  ProblemAnswer,
  ShownSweeps,
  SummaryAnswer,
} from '../../../api/history-answers.ts';
import type { FoundDevicesAnswer } from '../../../api/search-answers.ts';
import { isSignedIn, key } from '../view/index.ts';
import { Problem } from './problem.ts';

/** The paths below `/api/` that the page requests, with the type of each answer. */
interface Answers {
  readonly drift: DriftPage;
  readonly 'drift/open': OpenPage;
  readonly summary: SummaryAnswer;
  readonly policies: PoliciesAnswer;
  readonly 'dead-letters': DeadLettersPage;
  readonly sweeps: ShownSweeps;
  readonly actions: ShownActions;
  readonly devices: FoundDevicesAnswer;
  readonly [device: `devices/${string}`]: DeviceAnswer;
}

/** The parameters of a request. Parameters that are empty or undefined are left out of the URL. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** Milliseconds by which the app's clock is ahead of the browser's clock. Negative when the app's clock is behind. */
let ahead = 0;

/** The current time by the app's clock, in milliseconds since 1970. The browser's clock may be wrong. */
export function appNow(): number {
  return Date.now() + ahead;
}

function readClock(response: Response): void {
  const difference = Date.parse(response.headers.get('date') ?? '') - Date.now();
  // The `date` header counts whole seconds and arrives with a delay, so a difference below five seconds counts as none.
  if (!Number.isNaN(difference)) ahead = Math.abs(difference) < 5_000 ? 0 : difference;
}

const timeLimit = 20_000;
const retryAdvice = 'If the problem continues, look at /api/health/details and at the log of the app.';

/**
 * Requests JSON from the API.
 *
 * @throws {Problem} when the API refuses the request, does not answer within 20 seconds, or the answer breaks off.
 */
export async function ask<P extends keyof Answers>(path: P, query: Query = {}): Promise<Answers[P]> {
  const response = await send(path, query, 'application/json', AbortSignal.timeout(timeLimit));
  const answer: Promise<unknown> = response.json();
  return (await answer.catch(() => {
    throw new Problem('The answer of the app is incomplete.', { advice: retryAdvice });
  })) as Answers[P];
}

/**
 * Downloads all history rows that match the query, as CSV.
 *
 * @throws {Problem} when the API refuses the request or cannot be reached.
 */
export async function askCsv(query: Query): Promise<Blob> {
  return (await send('drift', query, 'text/csv')).blob();
}

/**
 * Asks the app for its health. An unhealthy app answers too, with the status 503.
 *
 * @throws {Problem} when the app does not tell how it is.
 */
export async function askHealth(): Promise<HealthDetails> {
  const response = await send('health/details', {}, 'application/json', AbortSignal.timeout(timeLimit), [503]);
  const answer = (await response.json().catch(() => undefined)) as HealthDetails | Partial<ProblemAnswer> | undefined;
  // A 503 can also be a problem document, whose `status` is a number, or an answer of the platform.
  if (typeof answer?.status === 'string') return answer as HealthDetails;
  const { detail } = (answer ?? {}) as Partial<ProblemAnswer>;
  throw new Problem(detail ?? `The app answered ${response.status} without its health.`, {});
}

/** Sends a request. `accepted` are the statuses of failed responses that are returned like a successful one. */
async function send(
  path: string,
  query: Query,
  accept: string,
  signal?: AbortSignal,
  accepted: readonly number[] = [],
): Promise<Response> {
  if (!/^[\x20-\x7e]*$/.test(key())) throw wrongKey();
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
  let response: Response;
  try {
    response = await fetch(`/api/${isSignedIn() ? 'user/' : ''}${path}${search}`, {
      headers: isSignedIn() ? { accept } : { accept, 'x-functions-key': key() },
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
      signal: signal ?? null,
    });
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === 'TimeoutError';
    const message = isLate
      ? `The app did not answer within ${timeLimit / 1000} seconds.`
      : 'The app cannot be reached.';
    throw new Problem(message, { advice: retryAdvice });
  }
  readClock(response);
  if (response.ok || accepted.includes(response.status)) return response;
  throw await problemOf(response);
}

/** Makes a `Problem` from a failed response. Uses the response's problem document (RFC 9457) when the body has one. */
async function problemOf(response: Response): Promise<Problem> {
  const { status } = response;
  const isRefused = status === 401 || status === 403;
  if (isRefused && !isSignedIn()) return wrongKey();
  const document = (await response.json().catch(() => ({}))) as Partial<ProblemAnswer>;
  if (isRefused) {
    const advice = status === 401 ? 'Load this page again to sign in.' : undefined;
    return new Problem(document.detail ?? 'You are not signed in, or have no app role.', { advice, isPermanent: true });
  }
  const message = document.detail ?? document.title ?? `The app answered ${status}.`;
  const isPermanent = [400, 414, 431].includes(status);
  const advice = isPermanent
    ? 'Change the filters or the time range, or clear them.'
    : status >= 500
      ? retryAdvice
      : undefined;
  return new Problem(message, { advice, isPermanent });
}

function wrongKey(): Problem {
  return new Problem('The function key in the address of this page is wrong.', {
    advice: 'Open the page again as /api/dashboard?code=KEY, with a function key of the app.',
    isPermanent: true,
    isWrongKey: true,
  });
}
