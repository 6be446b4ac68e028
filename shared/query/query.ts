import type { Path } from '../twin/index.ts';
import type { Condition } from './condition.ts';

/** The kind of twins that a query reads, as written after `FROM`: device twins or module twins. */
export type Source = 'devices' | 'devices.modules';

/** One value that a query selects. `key` is the name of that value in the results. */
export type Selected =
  | { readonly type: 'value'; readonly key: string; readonly path: Path }
  | { readonly type: 'count'; readonly key: string };

/** A query after parsing. */
export interface Query {
  /** Maximum number of results on all pages together. Without it, there is no maximum. */
  readonly top?: number;
  /** The selected values. `*` selects the whole twin. */
  readonly select: '*' | readonly Selected[];
  readonly source: Source;
  readonly where?: Condition;
  readonly groupBy?: readonly Path[];
}

/** True when one result can summarise many twins, because the query has `COUNT()` or `GROUP BY`. */
export function isAggregate({ select, groupBy }: Query): boolean {
  return groupBy !== undefined || (select !== '*' && select.some(({ type }) => type === 'count'));
}
