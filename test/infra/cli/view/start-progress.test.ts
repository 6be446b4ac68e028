import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { startProgress } from '../../../../infra/cli/view/start-progress.ts';

/** A writable stream that keeps the written text. `isTTY` says whether it counts as a terminal. */
function stderr(isTTY: boolean) {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY, columns: 40, rows: 24 });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => String(stream.read() ?? '') };
}

describe('the progress of the start', () => {
  it('is one line for each step where standard error is no terminal', () => {
    const { stream, text } = stderr(false);
    const progress = startProgress(stream);
    progress.step('Starting Azurite…');
    progress.step('Starting the function host…');
    progress.clear();
    expect(text()).toBe('Starting Azurite…\nStarting the function host…\n');
  });

  it('is one line on a terminal, which a step replaces and the end removes', () => {
    const { stream, text } = stderr(true);
    const progress = startProgress(stream);
    progress.step('Starting Azurite…');
    expect(text()).toContain('Starting Azurite…');
    progress.step('Starting the function host…');
    const eraseLine = '\u001b[2K';
    const replaced = text();
    expect(replaced).toContain(eraseLine);
    expect(replaced).toContain('Starting the function host…');
    progress.clear();
    expect(text()).toContain(eraseLine);
    progress.clear();
    expect(text()).toBe('');
  });

  it('is never wider than the terminal', () => {
    const { stream, text } = stderr(true);
    startProgress(stream).step('x'.repeat(100));
    expect(text()).toContain(`${'x'.repeat(38)}…`);
  });
});
