import type { LocalOptions } from '../commands/local.ts';
import type { Output } from '../run-local.ts';

export function demoOutput(_: LocalOptions): Output {
  throw new Error('not yet');
}
