import { type Command, InvalidArgumentError, Option } from 'commander';
import { kinds, outcomes, sources } from '../../../functions/api/parameter-schemas.ts';
import type { DriftKind, DriftQuery, DuringQuery, Outcome, Source } from '../../../shared/drift/index.ts';
import { isDeviceId } from '../../../shared/twin/index.ts';
import { parseTime, parseTimeRange } from './time-option.ts';

/** Command line options that filter the rows of the history. */
export interface QueryOptions {
  readonly device?: string;
  readonly module?: string;
  readonly policy?: string;
  readonly path?: string;
  readonly kind?: DriftKind;
  readonly outcome?: Outcome;
  readonly outcomeNow?: Outcome;
  readonly source?: Source;
  readonly from?: string;
  readonly to?: string;
  readonly during?: { readonly from: string; readonly to: string };
}

/** Adds to a command the options that filter the rows of the history. */
export function withQueryOptions(command: Command): Command {
  return command
    .option('--device <id>', 'Selects rows of this device.', parseDeviceId)
    .option('--module <id>', 'Selects rows of modules with this id. "" means the twins of the devices themselves.')
    .option('--policy <name>', 'Selects rows of this policy.')
    .option('--path <path>', 'Selects rows of this property, by its dotted path below properties.desired.')
    .addOption(new Option('--kind <kind>', 'Selects rows of this kind.').choices(kinds))
    .addOption(new Option('--outcome <outcome>', 'Selects rows that have or had this outcome.').choices(outcomes))
    .addOption(new Option('--outcome-now <outcome>', 'Selects rows that have this outcome now.').choices(outcomes))
    .addOption(new Option('--source <source>', 'Selects rows that were detected in this way.').choices(sources))
    .option(
      '--from <time>',
      'Selects rows detected at this time or later, such as 2026-11-22T05:00Z, -24h, -30m or -7d.',
      (text) => parseTime(text),
    )
    .option('--to <time>', 'Selects rows detected before this time.', (text) => parseTime(text))
    .addOption(
      new Option(
        '--during <from..to>',
        'Selects everything that was out of line at any moment of this time, also what was detected before.',
      )
        .argParser((text) => parseTimeRange(text))
        .conflicts(['from', 'to', 'follow']),
    );
}

function parseDeviceId(text: string): string {
  if (isDeviceId(text)) return text;
  throw new InvalidArgumentError("It must be 1 to 128 letters, digits and - . + % _ # * ? ! ( ) , : = @ $ '");
}

/**
 * Parses a whole number that is 1 or more.
 * @throws {InvalidArgumentError} If the text is anything else.
 */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(text);
}

/** Milliseconds before `--to` that a query covers when it has neither `--device` nor `--from`. */
const defaultRange = 86_400_000;
/** Longest time range of a query without `--device`, in milliseconds. The query makes one request for each day. */
const longestRange = 3 * 366 * 86_400_000;

/**
 * The query of the history for these options. The query has a fixed end, so that all pages of results cover the same time range.
 *
 * @throws An Error whose message is one line and says what to do, when the time range ends before it begins or is too long.
 */
export function queryOf(options: QueryOptions, now: Date = new Date()): DriftQuery & { readonly to: string } {
  const { device, from, to = new Date(now.getTime() + 1000).toISOString() } = options;
  const beginning = from ?? (device === undefined ? new Date(Date.parse(to) - defaultRange).toISOString() : undefined);
  if (beginning !== undefined && beginning >= to)
    throw new Error(`--from ${beginning} is not before --to ${to}: swap them.`);
  if (device === undefined && Date.parse(to) - Date.parse(beginning ?? to) > longestRange) {
    throw new Error(`The time from ${beginning} to ${to} is too long: choose three years at most, or one --device.`);
  }
  return { ...filtersOf(options), ...(beginning === undefined ? {} : { from: beginning }), to };
}

/** The query for what was out of line at any moment of `--during`. */
export function duringQueryOf(options: QueryOptions, during: NonNullable<QueryOptions['during']>): DuringQuery {
  return { ...filtersOf(options), openFrom: during.from, openTo: during.to };
}

/** The filters that do not depend on time. */
function filtersOf({ device, module, policy, path, kind, outcome, outcomeNow, source }: QueryOptions): DriftQuery {
  const given = { deviceId: device, moduleId: module, policy, path, kind, outcome, outcomeNow, source };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as DriftQuery;
}
