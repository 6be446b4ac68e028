import type { ScreenSize } from './screen.ts';

/**
 * The size of a terminal in characters. A pseudo-terminal that reports 0×0 counts as 80×24. The size is also written to the stream, because
 * `log-update` reads the size there and draws nothing when it is 0×0.
 */
export function terminalSize(terminal: { columns: number; rows: number }): ScreenSize {
  terminal.columns ||= 80;
  terminal.rows ||= 24;
  return { columns: terminal.columns, lines: terminal.rows };
}
