import type { Path } from '../twin/index.ts';
import type { Condition } from './condition.ts';

/** What a query is about: the twins of devices, or those of modules. */
export type Source = 'devices' | 'devices.modules';

/** One value of a result, under the key that it gets there. */
export type Selected =
  | { readonly type: 'value'; readonly key: string; readonly path: Path }
  | { readonly type: 'count'; readonly key: string };

export interface Query {
  /** At most so many results, over all pages. */
  readonly top?: number;
  /** `*` is the whole twin. */
  readonly select: '*' | readonly Selected[];
  readonly source: Source;
  readonly where?: Condition;
  readonly groupBy?: readonly Path[];
}

/** Whether results are made of many twins: counts, or groups. */
export function isAggregate({ select, groupBy }: Query): boolean {
  return groupBy !== undefined || (select !== '*' && select.some(({ type }) => type === 'count'));
}
