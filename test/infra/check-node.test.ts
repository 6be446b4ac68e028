import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const script = resolve(import.meta.dirname, '../../infra/check-node.js');
const check = (...flags: readonly string[]) => spawnSync(process.execPath, [...flags, script], { encoding: 'utf8' });

describe('the check of the Node version', () => {
  it('says nothing when Node can load TypeScript', () => {
    expect(check()).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('fails with one sentence that names both ways out when Node cannot load TypeScript', () => {
    const { status, stdout, stderr } = check('--no-experimental-strip-types');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^Node [\d.]+ .*`npm ci --ignore-scripts=false`.*Node 22\.18 or newer\.\n$/);
  });
});
