import { formatPath, type Json, limitFaults, overlaps, type Path, parsePath, setAt } from '../twin/index.ts';
import type { ReportFault } from './parse-rules.ts';

/** What an agent reports about its desired properties, as the author of a policy writes it. */
export interface Reporting {
  /**
   * True when the agent reports properties that the policy owns, at the same path and with the same value. A property that the agent does not
   * report says nothing. Durations are compared by length. Default: false.
   */
  readonly mirrors?: boolean;
  /** The reported property with which the agent says that it has refused its configuration. */
  readonly failure?: {
    /** Dotted path of that property, below `properties.reported`. */
    readonly path: string;
    /** The value that the property at `path` has after a refusal. */
    readonly value: Json;
    /** Dotted path, below `properties.reported`, of a second property. Its value lists the refused fields. */
    readonly fields?: string;
  };
  /** Minutes that the agent may need to apply a change of its desired properties. Default: 60. */
  readonly graceMinutes?: number;
}

/** The report that a policy expects from the agent: a {@link Reporting} with its defaults filled in and its paths split into keys. */
export interface ExpectedReport {
  readonly mirrors: boolean;
  readonly failure?: { readonly path: Path; readonly value: Json; readonly fields?: Path };
  readonly graceMinutes: number;
}

/**
 * Fills in the defaults of a {@link Reporting}, and splits its paths into keys. The fields of `reporting` must have the right types.
 * {@link checkReporting} then checks the values.
 */
export function toExpectedReport({ mirrors = false, failure, graceMinutes = 60 }: Reporting): ExpectedReport {
  if (failure === undefined) return { mirrors, graceMinutes };
  const { path, value, fields } = failure;
  return {
    mirrors,
    failure: { path: parsePath(path), value, ...(fields === undefined ? {} : { fields: parsePath(fields) }) },
    graceMinutes,
  };
}

/**
 * Checks an expected report, and reports each fault because of which it could never match a twin. An example is a path that a twin cannot
 * have.
 */
export function checkReporting({ mirrors, failure }: ExpectedReport, desired: unknown, report: ReportFault): void {
  if (!mirrors && failure === undefined) {
    report('reported', 'expects nothing. Set mirrors to true, or set failure.');
  }
  if (mirrors && Object.keys(desired ?? {}).length === 0) {
    report('reported.mirrors', 'needs desired properties that the agent can report.');
  }
  if (failure === undefined) return;
  const { path, value, fields } = failure;
  const checkLimits = (field: string, at: Path, content: Json) => {
    for (const { path: faultPath, message } of limitFaults(setAt({}, at, content))) {
      report(`reported.failure.${field}`, faultPath === formatPath(at) ? message : `at ${faultPath}: ${message}`);
    }
  };
  checkLimits('path', path, true);
  checkLimits('value', ['value'], value);
  if (fields === undefined) return;
  checkLimits('fields', fields, true);
  if (overlaps(fields, path)) {
    report('reported.failure.fields', `must be a different property from failure.path, which is ${formatPath(path)}.`);
  }
}
