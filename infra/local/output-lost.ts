/** Detects that standard output or standard error is lost: the program that reads it has ended, or the disk is full. */

export interface OutputLost {
  /**
   * The exit code of the process. 141 when the reading program has ended, as in `twinkeeper drift | head -1`: shells use 128 plus the
   * number of SIGPIPE. Otherwise 1.
   */
  readonly exitCode: number;
  /** One line that says why output is lost. Absent when the reading program has ended, because that is no error. */
  readonly why?: string;
}

/**
 * Calls `then` when standard output or standard error is lost. Without this handler, the error would end the process at once. Services
 * would then continue to run, and files of the run would remain.
 */
export function onOutputLost(then: (lost: OutputLost) => void): void {
  for (const [name, stream] of [
    ['standard output', process.stdout],
    ['standard error', process.stderr],
  ] as const) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) =>
      then(code === 'EPIPE' ? { exitCode: 141 } : { exitCode: 1, why: `${name} cannot be written: ${message}` }),
    );
  }
}
