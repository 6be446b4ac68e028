/** Reads pages of history rows over the API. */
import { expect } from 'vitest';
import type { DriftPage } from '../../../functions/api/answers.ts';
import type { Api } from './api-host.ts';

/** The keys of the rows of a page, which identify them among all rows. */
export const keysIn = ({ rows }: Pick<DriftPage, 'rows'>) =>
  rows.map(({ deviceId, rowKey }) => `${deviceId} ${rowKey}`);

/** Reads all pages of results of a query. `between` is called after each page. */
export async function pages(
  api: Api,
  path: string,
  between: () => Promise<void> = async () => {},
): Promise<DriftPage[]> {
  const all: DriftPage[] = [];
  let cursor: string | undefined;
  do {
    const { status, body } = await api.get<DriftPage>(`${path}${cursor === undefined ? '' : `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    all.push(body);
    cursor = body.cursor;
    await between();
  } while (cursor !== undefined);
  return all;
}
