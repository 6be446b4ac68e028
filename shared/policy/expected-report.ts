import { formatPath, type Json, limitFaults, overlaps, type Path, parsePath, setAt } from '../twin/index.ts';
import type { ReportFault } from './parse-rules.ts';

/** How an agent reports on its desired properties, as a policy's author writes it. */
export interface Reporting {
  /** The agent reports each owned property at the same path with the same value. Default: false. */
  readonly mirrors?: boolean;
  /** The reported property by which the agent says that it refused its configuration. */
  readonly failure?: {
    /** Dotted path below `properties.reported`. */
    readonly path: string;
    /** The value of the property after a refusal. */
    readonly value: Json;
    /** Dotted path below `properties.reported` of the property that lists the refused fields. */
    readonly fields?: string;
  };
  /** Minutes that the agent has to apply a change. Default: 60. */
  readonly graceMinutes?: number;
}

/** A {@link Reporting} with its defaults filled in and its paths split into keys. */
export interface ExpectedReport {
  readonly mirrors: boolean;
  readonly failure?: { readonly path: Path; readonly value: Json; readonly fields?: Path };
  readonly graceMinutes: number;
}

/** Fills in the defaults. `reporting` must have the right shape. {@link checkReporting} then checks its content. */
export function toExpectedReport({ mirrors = false, failure, graceMinutes = 60 }: Reporting): ExpectedReport {
  if (failure === undefined) return { mirrors, graceMinutes };
  const { path, value, fields } = failure;
  return {
    mirrors,
    failure: { path: parsePath(path), value, ...(fields === undefined ? {} : { fields: parsePath(fields) }) },
    graceMinutes,
  };
}

/** Reports each fault that would keep the expected report from ever matching a twin. */
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
