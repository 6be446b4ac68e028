/** A forecast as text, for a terminal of a given width. Pure functions. */
import { createColors } from 'picocolors';
import type {
  CallForecast,
  Forecast,
  ForecastExample,
  PlannedOutcome,
  PolicyForecast,
  PropertyForecast,
  RecordedReason,
} from '../../../shared/forecast/index.ts';
import { describeCompeting } from '../../../shared/guards/index.ts';
import type { Json } from '../../../shared/twin/index.ts';
import { plainTable } from './plain-table.ts';
import { safeText } from './safe-text.ts';

/** Largest numbers of rows in a table and of values in a row. `--json` shows more. */
const mostRows = 20;
const mostValues = 3;

const reasons: Readonly<Record<RecordedReason, string>> = {
  audit: 'the policy audits',
  unmendable: 'the policy gives no value to set',
  policyError: 'the policy fails',
  notReported: 'the agent refused the value',
  competingConfiguration: 'a configuration sets another value',
};

/**
 * Renders a forecast: an overview of all policies, and then each policy for which a sweep would find drift. The text has no control
 * characters that could harm a terminal.
 */
export function renderForecast(forecast: Forecast, columns: number, colour: boolean): string {
  const paint = createColors(colour);
  const { bold, dim, green, yellow } = paint;
  const width = Math.max(60, columns - 1);
  const overview = plainTable(
    ['policy', 'mode', 'devices', 'compliant', 'create', 'change', 'only record'].map(dim),
    forecast.policies.map((policy) => {
      const recorded = sum(policy.recorded);
      const count = (number: number) => (number === 0 ? dim('0') : yellow(grouped(number)));
      const compliant = grouped(policy.compliant);
      return [
        safeText(policy.policy, 64),
        policy.mode,
        grouped(policy.devices),
        policy.compliant === policy.devices ? green(compliant) : compliant,
        count(policy.modulesToCreate),
        count(policy.propertiesToChange),
        count(recorded),
      ];
    }),
  );
  return [
    bold(`What a sweep of ${safeText(forecast.hub)} would do now`),
    '',
    overview,
    ...forecast.policies.flatMap((policy) => details(policy, width, paint)),
    ...competing(forecast, width, paint),
    '',
    `${describeCalls(forecast.calls)}, ${duration(forecast.seconds)} within the budget.`,
    describeMessages(forecast),
    forecast.somethingToDo ? bold(yellow('There is something to do.')) : bold(green('There is nothing to do.')),
  ].join('\n');
}

type Paint = ReturnType<typeof createColors>;

function details(policy: PolicyForecast, width: number, paint: Paint): readonly string[] {
  const { changes, recorded, examples, blastRadius, walked } = policy;
  const { bold, dim, yellow } = paint;
  const lines: string[] = [];
  if (policy.warning !== undefined) lines.push('', yellow(policy.warning));
  if (changes.length > 0) {
    const rows = changes.map((change) => {
      const [path, count, values] = propertyRow(change, width);
      // A change without a path writes the whole baseline into a module that has nothing of the policy.
      return change.path === '' ? ['(baseline)', count, '(none) → baseline'] : [path, count, values];
    });
    lines.push('', ...limited(['property to change', 'twins', 'before → after'].map(dim), rows, dim));
  }
  if (recorded.length > 0) {
    const rows = recorded.map((record) => {
      const { why, message } = record;
      const [path, count, values] = propertyRow(record, width);
      const description = message === undefined ? values : safeText(message, share(width, 0.4));
      return [path, count, description, reasons[why]];
    });
    lines.push('', ...limited(['only to record', 'twins', '', 'because'].map(dim), rows, dim));
  }
  if (examples.length > 0) {
    const rows = examples.map((example) => exampleRow(example, width));
    lines.push('', ...limited(['for example', 'module', 'property', 'before → after'].map(dim), rows, dim));
  }
  if (blastRadius !== undefined && blastRadius.heldBack > 0) {
    const { twins, perHour, heldBack } = blastRadius;
    lines.push(
      '',
      yellow(
        `The policy may overwrite or remove values in ${grouped(perHour)} twins an hour: ${grouped(heldBack)} of ` +
          `${grouped(twins)} twins wait. ` +
          `"twinkeeper release ${safeText(policy.policy, 64)}" lifts the limit.`,
      ),
    );
  }
  if (walked !== undefined) lines.push('', dim(`The policy's twins were all read. ${safeText(walked, 400)}`));
  if (lines.length === 0) return [];
  const module = policy.module === '' ? "devices' own twins" : safeText(policy.module, 128);
  return ['', bold(`${safeText(policy.policy, 64)}: ${module}`), ...lines.slice(1)];
}

function competing({ competing: settings }: Forecast, width: number, { bold, red }: Paint): readonly string[] {
  if (settings.length === 0) return [];
  const sentences = [...new Set(settings.map(describeCompeting))];
  return [
    '',
    bold(red('Automatic configurations of the hub compete with policies')),
    ...sentences.slice(0, mostRows).map((sentence) => safeText(sentence, width * 4)),
    ...(sentences.length > mostRows ? [`… and ${grouped(sentences.length - mostRows)} more.`] : []),
  ];
}

function propertyRow(property: PropertyForecast, width: number): [string, string, string] {
  const { path, count, values, others } = property;
  const shown = values.slice(0, mostValues);
  const rest = others + sum(values.slice(mostValues));
  const each = Math.max(12, Math.floor(share(width, 0.4) / Math.max(1, shown.length)) - 8);
  const texts = shown.map((value) => {
    const change = `${describeValue(value.from, each / 2)} → ${describeValue(value.to, each / 2)}`;
    return values.length === 1 && rest === 0 ? change : `${change} (${grouped(value.count)})`;
  });
  const text = [...texts, ...(rest > 0 ? [`others (${grouped(rest)})`] : [])].join(', ');
  return [named(path, width), grouped(count), text];
}

function exampleRow({ deviceId, moduleId, fate, path, from, to, more }: ForecastExample, width: number): string[] {
  const what: Readonly<Partial<Record<PlannedOutcome, string>>> = { create: '(to be created)' };
  const values = path === '' ? '' : `${describeValue(from, 16)} → ${describeValue(to, 16)}`;
  const others = more > 0 ? ` and ${grouped(more)} more` : '';
  return [
    safeText(deviceId, share(width, 0.3)),
    safeText(moduleId, share(width, 0.2)),
    what[fate] ?? named(path, width),
    `${values}${others}`,
  ];
}

/** The path of a property. If the first section of the path has a long name, the path is without this section. */
function named(path: string, width: number): string {
  return path === '' ? '(module)' : safeText(path.replace(/^[^.]{24,}\./, ''), share(width, 0.3));
}

function describeValue(value: Json | undefined, longest: number): string {
  return value === undefined ? '(none)' : safeText(JSON.stringify(value), Math.max(6, Math.floor(longest)));
}

function describeCalls({ total, ...calls }: CallForecast): string {
  const names: Readonly<Record<keyof typeof calls, string>> = {
    query: 'queries',
    twinRead: 'reads',
    twinUpdate: 'patches',
    bulk: 'bulk calls',
    configuration: 'for configurations',
  };
  const parts = (Object.keys(names) as (keyof typeof calls)[])
    .filter((name) => calls[name] > 0)
    .map((name) => `${grouped(calls[name])} ${names[name]}`);
  return `Hub calls: ${grouped(total)} (${parts.join(', ')})`;
}

function describeMessages({ messages, messagesPerDay, days }: Forecast): string {
  const rest = days > 1 ? `, so the sweep takes ${grouped(days)} days` : '';
  return `Messages of the hub's quota: about ${grouped(messages)}. The share is ${grouped(messagesPerDay)} a day${rest}.`;
}

function duration(seconds: number): string {
  if (seconds < 1) return 'at once';
  if (seconds < 120) return `about ${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `about ${minutes} min` : `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function limited(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  dim: (text: string) => string,
): readonly string[] {
  const more = rows.length - mostRows;
  return [
    plainTable(head, rows.slice(0, mostRows)),
    ...(more > 0 ? [dim(`… and ${grouped(more)} more: see --json.`)] : []),
  ];
}

function share(width: number, part: number): number {
  return Math.max(8, Math.floor(width * part));
}

function sum(counted: readonly { readonly count: number }[]): number {
  return counted.reduce((total, { count }) => total + count, 0);
}

function grouped(number: number): string {
  return number.toLocaleString('en-US');
}
