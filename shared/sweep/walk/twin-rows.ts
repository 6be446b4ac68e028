import type { Policy } from '../../policy/index.ts';
import { maxQueryLength, writePath } from '../../query/index.ts';
import { type JsonObject, setAt, type Twin } from '../../twin/index.ts';
import { QueryRefused } from '../interruption.ts';
import { foundIn, toProjectedTwin } from '../twin-results.ts';
import { type Dialect, twinColumns, twinsQuery, withColumns } from '../where/index.ts';

/** The columns that a reading selects of each twin, and how its rows become twins. */
export interface TwinRows {
  readonly columns: string;
  /**
   * Builds the twins of one page.
   *
   * @throws {QueryRefused} when the hub did not return the columns.
   */
  toTwins(items: readonly JsonObject[]): readonly Twin[];
}

/** Rows with all that a policy reads of a twin. */
export function wholeRows(policy: Policy): TwinRows {
  return { columns: twinColumns([policy]), toTwins: (items) => twinsOf(items, policy) };
}

/**
 * Rows with the desired values that a policy owns, one column each, without metadata and reports. Such a row has a small part of the bytes of
 * a twin. Where the columns are too long for a query, the rows have all that the policy reads.
 */
export function valueRows(policy: Policy, dialect: Dialect): TwinRows {
  const values = policy.owned.map(({ path }, index) => ({
    path,
    name: `d${index}`,
    written: writePath(['properties', 'desired', ...path]),
  }));
  const columns = ['deviceId', 'version', ...values.map(({ written, name }) => `${written} AS ${name}`)].join(', ');
  const isWritable = values.every(({ written }) => written !== undefined);
  if (!isWritable || withColumns(twinsQuery(policy, dialect), columns).length > maxQueryLength)
    return wholeRows(policy);
  return {
    columns,
    toTwins(items) {
      // A twin may have nothing of the policy. But when no twin has anything, the hub may not know these columns.
      const isEmpty = (item: JsonObject) => values.every(({ name }) => item[name] === undefined);
      if (items.length > 0 && items.every(isEmpty)) throw new QueryRefused('the hub returned none of the values');
      return twinsOf(
        items.map((item) => {
          const desired = values.reduce<JsonObject>((section, { path, name }) => {
            const value = item[name];
            return value === undefined ? section : setAt(section, path, value);
          }, {});
          return { ...item, desired };
        }),
        policy,
      );
    },
  };
}

function twinsOf(items: readonly JsonObject[], { module, scope }: Policy): readonly Twin[] {
  return items.flatMap((item) =>
    foundIn(item).flatMap(({ deviceId }) =>
      scope.mayMatchId(deviceId) ? (toProjectedTwin(item, deviceId, module) ?? []) : [],
    ),
  );
}
