/** The differences between the twins of a device and the baselines of its policies, as text. Pure functions. */
import { createColors } from 'picocolors';
import type { ComparedModule, ComparedProperty } from '../../../functions/api/answers.ts';
import { isJsonObject, type Json } from '../../../shared/twin/index.ts';
import { safeText } from './safe-text.ts';

/** Largest number of characters of a value or a message. `--json` shows all. */
const longestValue = 200;

export interface DiffOptions {
  /** Whether compliant properties are listed too. Otherwise they are only counted. */
  readonly all: boolean;
  readonly colour: boolean;
}

/**
 * Renders each module with its wrong properties: the actual value (`-`, red) and the expected value (`+`, green). Compliant properties are
 * counted or, with `all`, listed (dim). The text has no control characters that could harm a terminal.
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
  if (kind === 'missingModule' || kind === 'missingBaseline') {
    // The whole baseline was already listed, so its single properties are left out.
    if (path !== '') return [];
    const text = kind === 'missingModule' ? '(no such module)' : '(nothing of the policy)';
    return [{ sign: '-', text }, ...leaves(expected, []).map((text) => added(text)), ...note];
  }
  const name = path === '' ? '(the twin as a whole)' : safeText(path);
  if (kind === 'policyError') return [{ sign: '!', text: `${name}: ${safeText(message ?? 'the policy fails')}` }];
  // Kind `notReported`: the agent has refused the desired value. The actual value is then the value that the agent reports.
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

/** One line for each value of a baseline: its path and the value. */
function leaves(value: Json | undefined, path: readonly string[]): readonly string[] {
  if (isJsonObject(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
  }
  return path.length === 0 ? ['(an empty module)'] : [`${safeText(path.join('.'))}: ${describeValue(value)}`];
}

function describeValue(value: Json | undefined): string {
  return value === undefined ? '(none)' : safeText(JSON.stringify(value), longestValue);
}
