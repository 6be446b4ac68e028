/** Detects that standard output or standard error can no longer be written: its reader has gone, or the disk is full. */

export interface OutputLost {
  /** 141 when the reader has gone, as in `… | head -1`: shells use 128 and the number of SIGPIPE. Otherwise 1. */
  readonly exitCode: number;
  /** One line for a person. Absent when the reader has gone: the reader needed no more output. */
  readonly why?: string;
}

/** Calls `then` when output is lost. Without this, the error would end the process and leave its services and files behind. */
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
