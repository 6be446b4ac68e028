import type { Path } from '../twin/index.ts';
import type { Condition } from './condition.ts';

/** The `FROM` of a query: device twins or module twins. */
export type Source = 'devices' | 'devices.modules';

/** One selected value. `key` is its name in the results. */
export type Selected =
  | { readonly type: 'value'; readonly key: string; readonly path: Path }
  | { readonly type: 'count'; readonly key: string };

/** A parsed query. */
export interface Query {
  /** Maximum number of results, over all pages. */
  readonly top?: number;
  /** `*` selects the whole twin. */
  readonly select: '*' | readonly Selected[];
  readonly source: Source;
  readonly where?: Condition;
  readonly groupBy?: readonly Path[];
}

/** True when one result can stand for many twins: the query counts or groups. */
export function isAggregate({ select, groupBy }: Query): boolean {
  return groupBy !== undefined || (select !== '*' && select.some(({ type }) => type === 'count'));
}
