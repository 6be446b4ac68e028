import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deadLettersCommand } from '../../../../infra/cli/commands/dead-letters.ts';
import { createDeadLetters } from '../../../../shared/retry/index.ts';
import { newStorageAccount, type TestStorage } from '../../../support/storage.ts';

let azurite: TestStorage;
let output = '';
beforeEach(async () => {
  azurite = await newStorageAccount();
  output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const list = (...args: readonly string[]) =>
  deadLettersCommand().parseAsync(['list', '--storage', azurite.endpoints.connectionString, ...args], { from: 'user' });

/** Stores this number of unusable events whose text has a control character. */
async function putUnusable(count: number): Promise<void> {
  const event = { body: 'x', properties: {}, systemProperties: {} };
  const unusable = { event, fault: 'badBody' as const, reason: 'text\u001b[2J', deviceId: 'd' };
  await createDeadLetters(azurite.endpoints, () => new Date()).putUnusable(
    Array.from({ length: count }, () => unusable),
  );
}

describe('twinkeeper dead-letters', () => {
  it('lists nothing when there is nothing', async () => {
    await list();
    expect(output).toBe('No dead letters.\n');
  });

  it('lists the dead letters, and the events that were only counted, without control characters', async () => {
    await putUnusable(103);
    await list();
    expect(output.match(/ d .*text\?\[2J/g)).toHaveLength(100);
    expect(output).toContain(
      'Of each fault, the first 100 events in an hour are stored. These events were only counted:',
    );
    expect(output).toMatch(/badBody +│ 3 +│ 20\d\d-.* │ 20\d\d-.* │ text\?\[2J/);
    expect(output).not.toContain('\u001b');
  });

  it('writes the same as JSON, one object a line', async () => {
    await putUnusable(101);
    await list('--json');
    const lines = output.trimEnd().split('\n');
    expect(lines).toHaveLength(101);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ countedOnly: true, fault: 'badBody', count: 1 });
    expect(output).not.toContain('\u001b');
  });
});
