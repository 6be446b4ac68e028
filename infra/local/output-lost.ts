/** Standard output or standard error that cannot be written any more: its reader has gone, its disk is full. */

export interface OutputLost {
  /** As shells have it: 128 + the number of SIGPIPE where the reader has gone, as in `… | head -1`; otherwise 1. */
  readonly exitCode: number;
  /** One line for a person. Absent where the reader has gone, who has what they wanted. */
  readonly why?: string;
}

/** Calls back when output is lost, which without this would end the process with a stack trace, services and files left to themselves. */
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
