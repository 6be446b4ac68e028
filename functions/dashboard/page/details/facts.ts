/** Shows pairs of a name and a value as a definition list. Pairs without a value are left out. */
import { type Child, el } from '../markup/index.ts';

export function facts(entries: readonly (readonly [string, Child])[], className = ''): HTMLElement {
  const shown = entries.filter(([, value]) => value !== undefined && value !== '');
  return el(
    'dl',
    { class: `facts ${className}` },
    shown.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))),
  );
}
