/** Notices that npm has ended, in a program that npm has started. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

/** Milliseconds between two checks of the ancestors of this process. */
const interval = 250;

/**
 * Resolves when npm has started this process and has then ended, for example because of `kill -9`. npm does not pass on such a signal, and
 * a shell between npm and this process passes on none. Never resolves in a process that was not started by npm: a program that a shell
 * starts in the background may outlive the shell.
 */
export function npmEnded(environment = process.env): Promise<void> {
  return new Promise((resolve) => {
    // npm sets this variable for every program that it runs.
    if (environment.npm_lifecycle_event === undefined) return;
    const before = ancestors();
    const timer = setInterval(() => {
      if (isDeepStrictEqual(ancestors(), before)) return;
      clearInterval(timer);
      resolve();
    }, interval);
    timer.unref();
  });
}

/**
 * The ids of the processes from the parent of this process up to npm. The system gives an orphan another parent, so the list changes when
 * one of these processes ends. If npm is not found, the list has only the parent.
 */
function ancestors(): readonly number[] {
  const ids = [process.ppid];
  for (let process = statusOf(ids[0]); process !== undefined; process = statusOf(process.parent)) {
    if (process.title.startsWith('npm')) return ids;
    ids.push(process.parent);
  }
  return ids.slice(0, 1);
}

/** The title of a process, and the id of its parent. `undefined` if there is no such process, or if the system is not Linux. */
function statusOf(id: number | undefined): { readonly title: string; readonly parent: number } | undefined {
  try {
    const [, title, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${id}/stat`, 'utf8')) ?? [];
    return title === undefined ? undefined : { title, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
