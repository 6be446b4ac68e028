import { resolve } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { expect, it } from 'vitest';
import { forbidden, options } from './import-rules.ts';

it('imports point one way between rooms, and no two files import each other', async () => {
  const { output } = await cruise(['functions', 'shared', 'infra'], {
    ...options,
    baseDir: resolve(import.meta.dirname, '../..'),
    ruleSet: { forbidden },
    validate: true,
  });
  const { summary } = output as ICruiseResult;
  expect(summary.totalCruised).toBeGreaterThan(300);
  expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
});
