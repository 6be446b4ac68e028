import { formatPath, type Json, limitFaults, overlaps, type Path, parsePath, setAt } from '../twin/index.ts';
import type { ReportFault } from './collect-rules.ts';

/** How an agent answers to its desired properties, as a policy says it. */
export interface Reporting {
  /** Each owned property is expected in `properties.reported` at the same path and with the same value. Default: false. */
  readonly mirrors?: boolean;
  /** A reported property that says that the configuration was refused. */
  readonly failure?: {
    /** Dotted path below `properties.reported`. */
    readonly path: string;
    /** What it holds when the configuration was refused. */
    readonly value: Json;
    /** Dotted path below `properties.reported` of the property that lists the fields at fault. */
    readonly fields?: string;
  };
  /** Minutes that the agent has to take up a change. Default: 60. */
  readonly graceMinutes?: number;
}

/** What an agent is expected to report, ready for use. */
export interface ExpectedReport {
  readonly mirrors: boolean;
  readonly failure?: { readonly path: Path; readonly value: Json; readonly fields?: Path };
  readonly graceMinutes: number;
}

/** Fills in the defaults. `reporting` must have the right shape; whether it makes sense is {@link checkReporting}'s matter. */
export function toExpectedReport({ mirrors = false, failure, graceMinutes = 60 }: Reporting): ExpectedReport {
  if (failure === undefined) return { mirrors, graceMinutes };
  const { path, value, fields } = failure;
  return {
    mirrors,
    failure: { path: parsePath(path), value, ...(fields === undefined ? {} : { fields: parsePath(fields) }) },
    graceMinutes,
  };
}

/** Whether something could ever be found by it, in a twin as IoT Hub keeps it. Reports what is wrong. */
export function checkReporting({ mirrors, failure }: ExpectedReport, desired: unknown, report: ReportFault): void {
  if (!mirrors && failure === undefined) {
    report('reported', 'expects nothing: give it mirrors: true, or a failure to look for.');
  }
  if (mirrors && Object.keys(desired ?? {}).length === 0) {
    report('reported.mirrors', 'needs desired properties that the agent would report.');
  }
  if (failure === undefined) return;
  const { path, value, fields } = failure;
  const within = (part: string, at: Path, held: Json) => {
    for (const { path: where, message } of limitFaults(setAt({}, at, held))) {
      report(`reported.failure.${part}`, where === formatPath(at) ? message : `at ${where}: ${message}`);
    }
  };
  within('path', path, true);
  within('value', ['value'], value);
  if (fields === undefined) return;
  within('fields', fields, true);
  if (overlaps(fields, path)) {
    report(
      'reported.failure.fields',
      `must be another property than ${formatPath(path)}, which says that it was refused.`,
    );
  }
}
