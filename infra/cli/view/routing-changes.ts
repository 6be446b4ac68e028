import { createColors } from 'picocolors';
import type { Change, RoutingResult } from '../arm/index.ts';
import { safeText } from './safe-text.ts';

const headings = {
  unchanged: 'is as wanted. Nothing to change.',
  changed: 'was changed:',
  planned: 'would be changed:',
} as const;

/** Renders changes of a hub's routing as lines of text: `+` for added, `~` for changed, `-` for removed. */
export function renderChanges(
  hub: string,
  state: RoutingResult['state'],
  changes: readonly Change[],
  colour: boolean,
): string {
  const { green, yellow, red } = createColors(colour);
  const marks = { add: green('+'), change: yellow('~'), remove: red('-') };
  const lines = changes.flatMap(({ action, what, name, from, to }) => [
    `  ${marks[action]} ${what} ${safeText(name)}`,
    ...Object.entries(to ?? {}).map(([key, value]) => {
      const before = from === undefined ? '' : `${show(from[key])} → `;
      return `      ${key}: ${before}${show(value)}`;
    }),
  ]);
  return `${[`The routing of the hub ${safeText(hub)} ${headings[state]}`, ...lines].join('\n')}\n`;
}

function show(value: unknown): string {
  return safeText(JSON.stringify(value) ?? 'nothing');
}
