/** A device's twins beside what its policies ask of them, as a diff. Pure. */
import { createColors } from 'picocolors';
import type { ComparedModule, ComparedProperty } from '../../../functions/api/answers.ts';
import { isJsonObject, type Json } from '../../../shared/twin/index.ts';
import { safeText } from './safe-text.ts';

/** No value and no sentence is longer than this; `--json` has all. */
const longestValue = 200;

export interface DiffOptions {
  /** Also what is as it should be. */
  readonly all: boolean;
  readonly colour: boolean;
}

/**
 * For each module what is there (`-`, red) and what should be (`+`, green); what is right is counted or, with `all`, listed (dim). Nothing in
 * it can do a terminal any harm.
 */
export function renderTwinDiff(modules: readonly ComparedModule[], { all, colour }: DiffOptions): string {
  const { bold, dim, red, green, yellow } = createColors(colour);
  return modules
    .map(({ moduleId, exists, policies, properties }) => {
      const broken = properties.filter(({ ok }) => !ok);
      const kept = properties.filter(({ ok }) => ok);
      const name = moduleId === '' ? "the device's own twin" : safeText(moduleId, 128);
      const by = policies.map((policy) => safeText(policy, 64)).join(', ');
      const lines = broken.flatMap((property) =>
        linesOf(property).map(({ sign, text }) => ({ '-': red, '+': green, '!': yellow })[sign](`${sign} ${text}`)),
      );
      const rest =
        kept.length === 0
          ? []
          : all
            ? kept.map(({ path, actual }) => dim(`  ${safeText(path)}: ${show(actual)}`))
            : [dim(`  ${kept.length} ${kept.length === 1 ? 'property is' : 'properties are'} as wanted`)];
      const absent = !exists && broken.length === 0 ? [dim('  not there, and no policy creates it')] : [];
      return [`${bold(name)} ${dim(`(${by})`)}`, ...lines, ...rest, ...absent].join('\n');
    })
    .join('\n\n');
}

interface DiffLine {
  readonly sign: '-' | '+' | '!';
  readonly text: string;
}

function linesOf({ kind, path, expected, actual, message }: ComparedProperty): readonly DiffLine[] {
  const note: DiffLine[] = message === undefined ? [] : [{ sign: '!', text: safeText(message, longestValue) }];
  if (kind === 'missingModule') {
    // What it would hold is in its baseline.
    if (path !== '') return [];
    return [{ sign: '-', text: '(no such module)' }, ...leaves(expected, []).map((text) => added(text)), ...note];
  }
  const name = path === '' ? '(the twin as a whole)' : safeText(path);
  if (kind === 'policyError') return [{ sign: '!', text: `${name}: ${safeText(message ?? 'the policy fails')}` }];
  // Of what the agent did not take, the desired value is right.
  const where = kind === 'notReported' ? ' (reported by the agent)' : '';
  return [
    ...(actual === undefined && kind !== 'notReported'
      ? []
      : [{ sign: '-' as const, text: `${name}: ${show(actual)}${where}` }]),
    ...(expected === undefined ? [] : [added(`${name}: ${show(expected)}`)]),
    ...note,
  ];
}

function added(text: string): DiffLine {
  return { sign: '+', text };
}

/** A baseline, a line for each value in it. */
function leaves(value: Json | undefined, path: readonly string[]): readonly string[] {
  if (isJsonObject(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
  }
  return path.length === 0 ? ['(an empty module)'] : [`${safeText(path.join('.'))}: ${show(value)}`];
}

function show(value: Json | undefined): string {
  return value === undefined ? '(none)' : safeText(JSON.stringify(value), longestValue);
}
