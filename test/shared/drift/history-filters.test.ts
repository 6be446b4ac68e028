import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadCursorError, type DriftQuery, type DriftRow, withOutcome } from '../../../shared/drift/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { allPages, at, useHistory } from './history-fixture.ts';

const fixture = useHistory();

describe('a query', () => {
  const rows = [
    driftRow('a', at(5), { moduleId: 'M1', policy: 'one', path: 'x.y', kind: 'wrongValue', outcome: 'enforced' }),
    driftRow('a', at(4), { moduleId: 'M2', policy: 'two', path: 'z', kind: 'custom', outcome: 'audited' }),
    driftRow('b', at(3), { moduleId: 'M1', policy: 'two', path: '', kind: 'missingModule', source: 'sweep' }),
    driftRow('b', at(2), { moduleId: '', policy: 'one', path: "it's", kind: 'forbiddenProperty', outcome: 'failed' }),
  ];
  it.each<DriftQuery>([
    { moduleId: 'M1' },
    { moduleId: '' },
    { policy: 'two' },
    { path: 'x.y' },
    { path: "it's" },
    { path: '' },
    { kind: 'custom' },
    { outcome: 'enforced' },
    { outcomeNow: 'enforced' },
    { source: 'sweep' },
    { policy: 'two', moduleId: 'M1' },
    { deviceId: 'a', policy: 'one' },
    { deviceId: 'b', outcome: 'failed' },
    { deviceId: 'nobody' },
  ])('%o returns exactly the matching rows', async (query) => {
    await fixture.record(...rows);
    const matches = (row: DriftRow) => Object.entries(query).every(([name, value]) => fieldOf(row, name) === value);
    const fieldOf = (row: DriftRow, name: string) =>
      row[(name === 'outcomeNow' ? 'outcome' : name) as keyof DriftQuery & keyof DriftRow];
    expect((await fixture.history.page(query, 10)).rows).toEqual(rows.filter(matches));
    expect(await allPages((cursor) => fixture.history.page(query, 1, cursor))).toEqual(rows.filter(matches));
  });

  it('by outcome finds rows that had the outcome, also of one device, and by the outcome now only rows that have it', async () => {
    const held = driftRow('a', at(1), { outcome: 'heldBack', error: 'blastRadius: 20 of 20' });
    const repaired = withOutcome(held, { outcome: 'enforced', at: at(1.1), by: 'manual' });
    const still = driftRow('b', at(2), { outcome: 'heldBack', error: 'blastRadius: 20 of 20' });
    await fixture.record(held, still);
    await fixture.record(repaired);
    const found = async (query: DriftQuery) => (await fixture.history.page(query, 10)).rows;
    expect(await found({ outcome: 'heldBack' })).toEqual([still, repaired]);
    expect(await found({ outcomeNow: 'heldBack' })).toEqual([still]);
    expect(await found({ deviceId: 'a', outcome: 'heldBack' })).toEqual([repaired]);
    expect(await found({ deviceId: 'a', outcomeNow: 'heldBack' })).toEqual([]);
  });

  it('treats each filter value as text, never as a part of the filter expression', async () => {
    await fixture.record(...rows);
    const hostile = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom(
        "' or true or '",
        "x' or PartitionKey ne '",
        "it''s",
        "one' or policy eq 'two",
        '%27 or 1 eq 1',
        '\\',
      ),
      fc.string({ unit: fc.constantFrom("'", '"', ' ', 'or', 'true', '(', ')', ',', '&', '$', '%', '\n', 'é', '𝄞') }),
    );
    const name = fc.constantFrom('deviceId', 'moduleId', 'policy', 'path', 'kind', 'outcome', 'outcomeNow', 'source');
    await fc.assert(
      fc.asyncProperty(name, hostile, async (field, value) => {
        const query = { [field]: value } as DriftQuery;
        const expected = rows.filter(
          (row) => row[(field === 'outcomeNow' ? 'outcome' : field) as keyof DriftRow] === value,
        );
        expect((await fixture.history.page(query, 10)).rows).toEqual(expected);
      }),
      { numRuns: 60 },
    );
    const open = await fixture.history.open({ policy: "one' or policy eq 'two" }, 10);
    expect(open.rows).toEqual([]);
  });
});

describe('a cursor', () => {
  it('is valid only for the query that returned it', async () => {
    await fixture.record(driftRow('a', at(1)), driftRow('a', at(2)), driftRow('b', at(3)));
    const { cursor = '' } = await fixture.history.page({ policy: 'agent' }, 1);
    await expect(fixture.history.page({ policy: 'agent' }, 1, cursor)).resolves.toMatchObject({
      rows: [{ deviceId: 'a' }],
    });
    await expect(fixture.history.page({ policy: 'other' }, 1, cursor)).rejects.toThrow(BadCursorError);
    await expect(fixture.history.page({}, 1, cursor)).rejects.toThrow(BadCursorError);
    await expect(fixture.history.open({ deviceId: 'a' }, 1, cursor)).rejects.toThrow(BadCursorError);
  });

  it('is rejected after it was changed', async () => {
    await fixture.record(driftRow('a', at(1)), driftRow('a', at(2)));
    const { cursor = '' } = await fixture.history.page({}, 1);
    const fields = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[];
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const changes = fields.map((_, index) => encoded(fields.with(index, `${fields[index]}0`)));
    for (const bad of ['', 'x', 'ü', encoded(null), encoded([]), encoded({}), encoded([1, 2, 3, 4]), ...changes]) {
      await expect(fixture.history.page({}, 1, bad)).rejects.toThrow(BadCursorError);
    }
    await fc.assert(
      fc.asyncProperty(fc.base64String(), async (bad) => {
        await expect(fixture.history.page({}, 1, bad)).rejects.toThrow(BadCursorError);
      }),
      { numRuns: 50 },
    );
  });
});
