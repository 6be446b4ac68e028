import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DriftPage } from '../../../functions/api/answers.ts';
import { noKnownRows, withOutcome } from '../../../shared/drift/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { type Api, startApi } from './api-host.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());

describe('a row in GET /api/drift', () => {
  it('has the writes that are folded into a row', async () => {
    const time = new Date().toISOString();
    const folded = { times: 3, lastWrite: { version: 9, at: time, exact: true }, lastActual: 'last' };
    const row = driftRow('flapping', time, { ...folded, outcome: 'heldBack' });
    await api.world.journal.write('flapping', [row], noKnownRows());
    const { body } = await api.get<DriftPage>('drift?deviceId=flapping');
    expect(body.rows).toMatchObject([folded]);
    const { text } = await api.get('drift?deviceId=flapping', { accept: 'text/csv' });
    const [head = '', line = ''] = text.split('\n');
    expect(head).toContain(',times,lastActual,lastWrittenAt,');
    expect(line).toMatch(/,3,"""last""",2[-0-9T:.]+Z,/);
  });

  it('has the course of a row, and the times that matter', async () => {
    const held = driftRow('released', new Date().toISOString(), {
      outcome: 'heldBack',
      error: 'blastRadius: 20 of 20',
    });
    const time = new Date(Date.parse(held.detectedAt) + 1000).toISOString();
    const row = withOutcome(held, { outcome: 'enforced', at: time, by: 'manual' });
    await api.world.journal.write('released', [row], noKnownRows());
    const { body } = await api.get<DriftPage>('drift?outcome=heldBack&deviceId=released');
    expect(body.rows).toMatchObject([
      { transitions: [{ outcome: 'heldBack' }, { outcome: 'enforced', by: 'manual' }] },
    ]);
    expect((await api.get<DriftPage>('drift?outcomeNow=heldBack&deviceId=released')).body.rows).toEqual([]);
    const { text } = await api.get('drift?deviceId=released', { accept: 'text/csv' });
    const [head = '', line = ''] = text.split('\n');
    expect(head).toMatch(
      /,firstHeldBackAt,firstDeferredAt,firstFailedAt,endedAt,policyVersion,appVersion,transitions$/,
    );
    expect(line).toContain(`,${held.outcomeAt},,,${time},,,"[{""at"":""${held.outcomeAt}"",""outcome"":""heldBack""`);
  });
});
