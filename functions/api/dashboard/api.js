/** The page's only way out: its own API, with the key that is in the page's address. */
import { key } from './address.js';

/** What the API refused, or that it could not be asked, with what to do about it. */
export class Problem extends Error {
  constructor(message, { advice, isHopeless = false } = {}) {
    super(message);
    this.advice = advice;
    /** Asking the same again brings nothing else. */
    this.isHopeless = isHopeless;
  }
}

let ahead = 0;

/** The time by the app's clock, in ms: whoever looks may have another. */
export function appNow() {
  return Date.now() + ahead;
}

function readClock(response) {
  const off = Date.parse(response.headers.get('date') ?? '') - Date.now();
  // It is told in whole seconds, and takes its time to come.
  if (!Number.isNaN(off)) ahead = Math.abs(off) < 5_000 ? 0 : off;
}

const patience = 20_000;
const triedAgain = 'It is tried again by itself. If this stays so, look at /api/health and the app’s log.';

/** Asks for JSON. @throws {Problem} */
export async function ask(path, query = {}) {
  const response = await send(path, query, 'application/json', AbortSignal.timeout(patience));
  return response.json().catch(() => {
    throw new Problem('The app’s answer broke off.', { advice: triedAgain });
  });
}

/** Asks for CSV, all of it. @throws {Problem} */
export async function askCsv(path, query) {
  return (await send(path, query, 'text/csv')).blob();
}

async function send(path, query, accept, signal) {
  if (!/^[\x20-\x7e]*$/.test(key())) throw wrongKey();
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
  const headers = { accept, 'x-functions-key': key() };
  const options = { headers, cache: 'no-store', credentials: 'same-origin', redirect: 'error', signal };
  let response;
  try {
    response = await fetch(`/api/${path}${search}`, options);
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === 'TimeoutError';
    const what = isLate ? `The app has not answered within ${patience / 1000} seconds.` : 'The app cannot be reached.';
    throw new Problem(what, { advice: triedAgain });
  }
  readClock(response);
  if (response.ok) return response;
  throw await problemOf(response);
}

/** What an answer says of its failure, by RFC 9457 where it can. */
async function problemOf(response) {
  const { status } = response;
  if (status === 401 || status === 403) return wrongKey();
  const said = await response.json().catch(() => ({}));
  const message = said.detail ?? said.title ?? `The app answered ${status}.`;
  const isHopeless = [400, 414, 431].includes(status);
  const advice = isHopeless ? 'Change the filters or the time, or clear them.' : status >= 500 ? triedAgain : undefined;
  return new Problem(message, { advice, isHopeless });
}

function wrongKey() {
  return new Problem('The key in this page’s address does not open the history.', {
    advice: 'Open the page again as /api/dashboard?code=KEY, with a function key of the app.',
  });
}
