import type { Json } from '../../../../shared/twin/index.ts';
import { html, type Markup } from './markup.ts';

const plainWords: ReadonlyMap<string, string> = new Map([
  ['missingModule', 'missing module'],
  ['missingBaseline', 'missing baseline'],
  ['missingProperty', 'missing property'],
  ['wrongValue', 'wrong value'],
  ['forbiddenProperty', 'forbidden property'],
  ['notReported', 'not applied by the agent'],
  ['custom', 'custom finding'],
  ['policyError', 'policy error'],
  ['heldBack', 'held back'],
  ['audited', 'recorded only'],
  ['enforced', 'set back'],
]);

/** The plain words for a kind or an outcome. A name without plain words is returned unchanged. */
export function words(name: string): string {
  return plainWords.get(name) ?? name;
}

/** A time such as `2026-11-22 05:00:00`. The zone is UTC, which the report says once for all times. */
export function time(iso: string | undefined): Markup {
  if (iso === undefined) return html`–`;
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`;
}

/** A number with a comma between thousands. */
export function grouped(number: number): string {
  return number.toLocaleString('en-US');
}

/** A number and its noun, such as `1 row` and `2 rows`. */
export function counted(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** A share in percent, rounded down to a hundredth, so that one device of thousands still shows. */
export function percentage(share: number): string {
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}

/** Counts as words, such as `2 set back, 1 failed`. */
export function counts(byName: Readonly<Record<string, number>>): string {
  return Object.entries(byName)
    .map(([name, number]) => `${grouped(number)} ${words(name)}`)
    .join(', ');
}

/** A value as JSON, at most `longest` characters of it. */
export function value(json: Json | undefined, longest = 160): Markup {
  if (json === undefined) return html`<span class="muted">nothing</span>`;
  const text = JSON.stringify(json);
  return html`<code>${text.length > longest ? `${text.slice(0, longest)}…` : text}</code>`;
}

/** A text of a device or of a user, cut after `longest` characters. */
export function cut(text: string, longest = 300): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/** The module of a row, in words. */
export function moduleName(moduleId: string): string {
  return moduleId === '' ? 'the device twin' : moduleId;
}

/** The property of a row, in words. */
export function subject({ path, kind }: { readonly path: string; readonly kind: string }): string {
  if (path !== '') return path;
  return kind === 'missingModule' ? '(the module)' : '(as a whole)';
}
