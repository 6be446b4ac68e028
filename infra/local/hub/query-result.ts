/** Creates the results of a query from the twins that match the query's condition. */
import { type Query, type Selected, valueAt } from '../../../shared/query/index.ts';
import { type JsonObject, type JsonValue, setOwn } from './json.ts';
import { type ListedTwin, renderWhole } from './registered-twin.ts';

/** The result of a query for one twin. If the twin lacks a selected property, the result lacks it too. */
export function resultFor(twin: ListedTwin, select: Query['select']): JsonObject {
  const document = renderWhole(twin.target, twin.registered);
  return select === '*' ? document : resultOf(select, 1, ({ path }) => valueAt(document, path));
}

/**
 * The results of a query with COUNT. With GROUP BY, there is one result for each group, in the order in which the groups first occur.
 * Without GROUP BY, there is one result for all twins.
 */
export function countResults({ select, groupBy = [] }: Query, twins: Iterable<ListedTwin>): readonly JsonObject[] {
  if (select === '*') return [];
  if (groupBy.length === 0) {
    let count = 0;
    for (const _ of twins) count += 1;
    return [resultOf(select, count, () => undefined)];
  }
  const groups = new Map<string, { readonly document: JsonObject; count: number }>();
  for (const { target, registered } of twins) {
    const document = renderWhole(target, registered);
    // A missing value becomes an empty list, so that twins without the value are not in the same group as twins with null.
    const key = JSON.stringify(groupBy.map((path) => [valueAt(document, path)].filter((value) => value !== undefined)));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { document, count: 1 });
    else group.count += 1;
  }
  return [...groups.values()].map(({ document, count }) =>
    resultOf(select, count, ({ path }) => valueAt(document, path)),
  );
}

function resultOf(
  select: readonly Selected[],
  count: number,
  value: (selected: Selected & { readonly type: 'value' }) => JsonValue | undefined,
): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const selected of select) {
    const found = selected.type === 'count' ? count : value(selected);
    if (found !== undefined) setOwn(result, selected.key, found);
  }
  return result;
}
