import type { ScreenSize } from './screen.ts';

/**
 * The terminal's size, with 80×24 for one that does not know its own and says 0×0, as some pseudo-terminals do. The assumption is written
 * back to the stream: log-update reads the size from there, and draws nothing on a terminal without lines.
 */
export function terminalSize(terminal: { columns: number; rows: number }): ScreenSize {
  terminal.columns ||= 80;
  terminal.rows ||= 24;
  return { columns: terminal.columns, lines: terminal.rows };
}
