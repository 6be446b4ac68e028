/** A diff of a device's twins and the baselines of its policies. Pure. */
import { createColors } from 'picocolors';
import type { ComparedModule, ComparedProperty } from '../../../functions/api/answers.ts';
import { isJsonObject, type Json } from '../../../shared/twin/index.ts';
import { safeText } from './safe-text.ts';

/** The most characters of a value or a sentence. `--json` has all. */
const longestValue = 200;

export interface DiffOptions {
  /** Also lists the compliant properties. */
  readonly all: boolean;
  readonly colour: boolean;
}

/**
 * Renders each module: actual values (`-`, red) and expected values (`+`, green). Compliant properties are counted or, with `all`, listed
 * (dim). The text is safe for a terminal.
 */
export function renderTwinDiff(modules: readonly ComparedModule[], { all, colour }: DiffOptions): string {
  const { bold, dim, red, green, yellow } = createColors(colour);
  return modules
    .map(({ moduleId, exists, policies, properties }) => {
      const broken = properties.filter(({ ok }) => !ok);
      const compliant = properties.filter(({ ok }) => ok);
      const name = moduleId === '' ? "the device's own twin" : safeText(moduleId, 128);
      const by = policies.map((policy) => safeText(policy, 64)).join(', ');
      const lines = broken.flatMap((property) =>
        linesOf(property).map(({ sign, text }) => ({ '-': red, '+': green, '!': yellow })[sign](`${sign} ${text}`)),
      );
      const rest =
        compliant.length === 0
          ? []
          : all
            ? compliant.map(({ path, actual }) => dim(`  ${safeText(path)}: ${describeValue(actual)}`))
            : [dim(`  ${compliant.length} ${compliant.length === 1 ? 'property is' : 'properties are'} compliant`)];
      const absent = !exists && broken.length === 0 ? [dim('  missing, and no policy creates it')] : [];
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
    // The line of the missing module already lists its baseline.
    if (path !== '') return [];
    return [{ sign: '-', text: '(no such module)' }, ...leaves(expected, []).map((text) => added(text)), ...note];
  }
  const name = path === '' ? '(the twin as a whole)' : safeText(path);
  if (kind === 'policyError') return [{ sign: '!', text: `${name}: ${safeText(message ?? 'the policy fails')}` }];
  // For a property that the agent refused (`notReported`), the actual value is the one that the agent reports.
  const where = kind === 'notReported' ? ' (reported by the agent)' : '';
  return [
    ...(actual === undefined && kind !== 'notReported'
      ? []
      : [{ sign: '-' as const, text: `${name}: ${describeValue(actual)}${where}` }]),
    ...(expected === undefined ? [] : [added(`${name}: ${describeValue(expected)}`)]),
    ...note,
  ];
}

function added(text: string): DiffLine {
  return { sign: '+', text };
}

/** One line for each value of a baseline. */
function leaves(value: Json | undefined, path: readonly string[]): readonly string[] {
  if (isJsonObject(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
  }
  return path.length === 0 ? ['(an empty module)'] : [`${safeText(path.join('.'))}: ${describeValue(value)}`];
}

function describeValue(value: Json | undefined): string {
  return value === undefined ? '(none)' : safeText(JSON.stringify(value), longestValue);
}
