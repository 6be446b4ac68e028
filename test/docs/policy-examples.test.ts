/** Checks that the app accepts the example policies in `docs/policies.md`. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { type PolicyDefinition, policyFromJson, toPolicySet } from '../../shared/policy/index.ts';

const root = resolve(import.meta.dirname, '../..');
const page = await readFile(join(root, 'docs/policies.md'), 'utf8');

/** The first code block in this language that contains this text. Empty when there is none. */
function example(language: string, text: string): string {
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, block]) => block,
  );
  return blocks.find((block) => block?.includes(text)) ?? '';
}

it('the policy in TypeScript loads, and its check finds what it is for', async () => {
  // The example is written two folders below the project, like the files in `functions/policies/`, so that its relative imports work.
  await mkdir(join(root, '.twinkeeper'), { recursive: true });
  const folder = await mkdtemp(join(root, '.twinkeeper/policy-example-'));
  try {
    await writeFile(join(folder, 'plant-agents.ts'), example('ts', 'definePolicy({'));
    const { default: definition } = (await import(join(folder, 'plant-agents.ts'))) as { default: PolicyDefinition };
    const { all } = toPolicySet([definition], { mode: 'enforce' });
    expect(all.map(({ name }) => name)).toEqual(['plant-agents']);
    const section = (properties: object) => ({ properties, metadata: {}, version: 1 });
    const twin = { desired: section({ Process_Mode: 3 }) } as Parameters<NonNullable<PolicyDefinition['evaluate']>>[0];
    const context = { deviceId: 'plant-1', moduleId: 'DefenderIotMicroAgent' };
    expect(definition.evaluate?.(twin, context)).toMatchObject([{ path: 'Process_PollingInterval', expected: 100000 }]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('the policy in JSON says the same as the one in TypeScript, in fewer rules', () => {
  const { all } = toPolicySet([policyFromJson(JSON.parse(example('json', '"desired"')))], { mode: 'enforce' });
  const [policy] = all;
  expect(policy?.name).toBe('plant-agents');
  expect(policy?.owned.map(({ rule }) => rule.rule)).toEqual(['exactly', 'between', 'absent']);
});
