import type { ScreenSize } from './screen.ts';

/**
 * The terminal's size. Some pseudo-terminals report 0×0; they count as 80×24. The size is also written back to the stream, because
 * log-update reads it there and draws nothing on a terminal without lines.
 */
export function terminalSize(terminal: { columns: number; rows: number }): ScreenSize {
  terminal.columns ||= 80;
  terminal.rows ||= 24;
  return { columns: terminal.columns, lines: terminal.rows };
}
