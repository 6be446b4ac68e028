/** Repeats the page's requests while the page is visible. The time between two refreshes grows after each failure. */

import { Problem } from './api/index.ts';
import { showLocked } from './locked.ts';
import { fill, find, time } from './markup/index.ts';
import { hideProblem, showProblem } from './problem-box.ts';

/** Milliseconds between two refreshes of the page, and the longest time between two refreshes after failures. */
const interval = 3_000;
const longestWait = 30_000;

interface RefreshOptions {
  /** Sends the requests of one refresh. An answer is dropped when `isCurrent` returns false. */
  look(isCurrent: () => boolean): readonly Promise<void>[];
  /** Called after each refresh. `hasFailed` is true when a request failed. */
  onLooked(hasFailed: boolean): void;
  /** Whether the app has said that it does its work. Otherwise the page does not say "Live". */
  isWell(): boolean;
}

interface Refresh {
  /** Resets the count of failures and refreshes at once. Drops the answers of a refresh that is still running. */
  restart(): void;
}

export function createRefresh({ look, onLooked, isWell }: RefreshOptions): Refresh {
  const state = find('state');
  const pause = find('pause', HTMLButtonElement);
  let isPaused = false;
  /** True when the last refresh failed, and the same requests would fail again. The page then stops refreshing. */
  let isStopped = false;
  let failures = 0;
  let turn = 0;
  let timer: number | undefined;

  async function refresh(): Promise<void> {
    clearTimeout(timer);
    const mine = ++turn;
    const isCurrent = () => mine === turn;
    isStopped = false;
    const results = await Promise.allSettled(look(isCurrent));
    if (!isCurrent()) return;
    const errors: readonly unknown[] = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    if (errors.length === 0) succeed();
    else fail(errors.find(isPermanent) ?? errors[0]);
    onLooked(errors.length > 0);
    if (!isPaused && !isStopped) timer = setTimeout(() => void (document.hidden || refresh()), wait());
  }

  function succeed(): void {
    failures = 0;
    hideProblem('refresh');
    const isLive = !isPaused && isWell();
    fill(state, isPaused ? 'Paused ' : isLive ? 'Live ' : 'Updated ', time(new Date().toISOString()));
    state.classList.toggle('live', isLive);
  }

  function fail(error: unknown): void {
    failures++;
    isStopped = isPermanent(error);
    if (error instanceof Problem && error.isWrongKey) {
      showLocked();
      return;
    }
    showProblem(error, 'refresh');
    state.classList.remove('live');
    fill(state, isStopped ? 'Stopped' : isPaused ? 'Paused' : `Trying again in ${wait() / 1000} s`);
    for (const part of document.querySelectorAll('.loading')) {
      part.classList.remove('loading', 'skeleton');
      fill(part, 'Not loaded.');
    }
  }

  function wait(): number {
    return Math.min(longestWait, interval * 2 ** Math.min(failures, 5));
  }

  pause.addEventListener('click', () => {
    isPaused = !isPaused;
    pause.setAttribute('aria-pressed', String(isPaused));
    fill(pause, isPaused ? 'Resume' : 'Pause');
    void refresh();
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && !isPaused && !isStopped) void refresh();
  });

  return {
    restart() {
      failures = 0;
      hideProblem();
      void refresh();
    },
  };
}

function isPermanent(error: unknown): boolean {
  return error instanceof Problem && error.isPermanent;
}
