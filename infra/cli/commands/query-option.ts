import { type Command, InvalidArgumentError, Option } from 'commander';
import { kinds, outcomes, sources } from '../../../functions/api/parameters.ts';
import type { DriftKind, DriftQuery, Outcome, Source } from '../../../shared/drift/index.ts';
import { isDeviceId } from '../../../shared/twin/index.ts';
import { parseTime } from './time-option.ts';

/** Which rows of the history a command is about. */
export interface QueryOptions {
  readonly device?: string;
  readonly module?: string;
  readonly policy?: string;
  readonly path?: string;
  readonly kind?: DriftKind;
  readonly outcome?: Outcome;
  readonly source?: Source;
  readonly from?: string;
  readonly to?: string;
}

/** Adds the filters of the history. */
export function withQueryOptions(command: Command): Command {
  return command
    .option('--device <id>', 'of this device', parseDeviceId)
    .option('--module <id>', 'of modules with this id; "" means devices\' own twins')
    .option('--policy <name>', 'by this policy')
    .option('--path <path>', 'of this property: its dotted path below properties.desired')
    .addOption(new Option('--kind <kind>', 'departures of this kind').choices(kinds))
    .addOption(new Option('--outcome <outcome>', 'what came of them').choices(outcomes))
    .addOption(new Option('--source <source>', 'what noticed them').choices(sources))
    .option('--from <time>', 'detected at this time or later: 2026-11-22T05:00Z, or -24h, -30m, -7d', (text) =>
      parseTime(text),
    )
    .option('--to <time>', 'detected before this time', (text) => parseTime(text));
}

function parseDeviceId(text: string): string {
  if (isDeviceId(text)) return text;
  throw new InvalidArgumentError("It must be 1 to 128 letters, digits and - . + % _ # * ? ! ( ) , : = @ $ '");
}

/** A whole number, 1 or more. @throws {InvalidArgumentError} for anything else. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(text);
}

/** How far back a question without a device and a beginning goes, and how far it may: it costs a request for each day. In milliseconds. */
const defaultRange = 86_400_000;
const longestRange = 3 * 366 * 86_400_000;

/**
 * The question that the options ask, with a range of time that stays as it is while pages are read.
 *
 * @throws with the way out for a range that ends before it begins, or that is too long to be searched.
 */
export function queryOf(options: QueryOptions, now: Date = new Date()): DriftQuery & { readonly to: string } {
  const {
    device,
    module,
    from,
    to = new Date(now.getTime() + 1000).toISOString(),
    policy,
    path,
    kind,
    outcome,
    source,
  } = options;
  const since = from ?? (device === undefined ? new Date(Date.parse(to) - defaultRange).toISOString() : undefined);
  if (since !== undefined && since >= to) throw new Error(`--from ${since} is not before --to ${to}: swap them.`);
  if (device === undefined && Date.parse(to) - Date.parse(since ?? to) > longestRange) {
    throw new Error(`From ${since} to ${to} is too long to search: ask for three years at most, or for one --device.`);
  }
  const given = { deviceId: device, moduleId: module, policy, path, kind, outcome, source, from: since };
  return {
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as DriftQuery),
    to,
  };
}
