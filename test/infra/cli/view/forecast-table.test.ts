import { describe, expect, it } from 'vitest';
import { renderForecast } from '../../../../infra/cli/view/forecast-table.ts';
import { safeJson, safeText } from '../../../../infra/cli/view/safe-text.ts';
import type { Forecast, PolicyForecast } from '../../../../shared/forecast/index.ts';
import { fc } from '../../../support/arbitraries.ts';

const compliant: PolicyForecast = {
  policy: 'all-well',
  module: 'agent',
  mode: 'enforce',
  devices: 12_345,
  compliant: 12_345,
  modulesToCreate: 0,
  propertiesToChange: 0,
  changes: [],
  recorded: [],
  examples: [],
};

function forecastOf(...policies: readonly PolicyForecast[]): Forecast {
  const calls = { configuration: 1, query: 3, twinRead: 0, twinUpdate: 0, bulk: 0, total: 4 };
  const somethingToDo = policies.some((policy) => policy.compliant < policy.devices);
  return {
    hub: 'my-hub',
    policies,
    competing: [],
    calls,
    seconds: 0,
    messages: 3,
    messagesPerDay: 40_000,
    days: 1,
    somethingToDo,
    asked: 4,
  };
}

const controls = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe('a forecast on a terminal', () => {
  it('has a line for each policy of a compliant hub, and says that there is nothing to do', () => {
    const text = renderForecast(forecastOf(compliant), 100, false);
    expect(text).toMatch(/all-well\s+enforce\s+12,345\s+12,345\s+0\s+0\s+0\n/);
    expect(text).toContain('Hub calls: 4 (3 queries, 1 for configurations), at once within the budget.');
    expect(text).toMatch(/There is nothing to do\.$/);
    expect(text).not.toContain('for example');
  });

  it('warns of a policy without devices', () => {
    const text = renderForecast(
      forecastOf({ ...compliant, devices: 0, compliant: 0, warning: 'No device is there.' }),
      100,
      false,
    );
    expect(text).toMatch(/\nall-well: agent\nNo device is there\.\n/);
  });

  it('shows changes, recorded departures, held back twins and competing configurations', () => {
    const text = renderForecast(
      {
        ...forecastOf({
          ...compliant,
          compliant: 12_000,
          modulesToCreate: 5,
          propertiesToChange: 340,
          changes: [
            {
              path: 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration.eventPriorityLogin.value',
              count: 340,
              values: [
                { from: 'Low', to: 'High', count: 300 },
                { to: 'High', count: 30 },
              ],
              others: 10,
            },
          ],
          recorded: [
            { path: '', count: 2, values: [], others: 0, kind: 'policyError', why: 'policyError', message: 'it threw' },
          ],
          blastRadius: { twins: 310, perHour: 200, heldBack: 110 },
          examples: [
            { deviceId: 'd-1', moduleId: 'agent', fate: 'change', path: 'a', from: 1, to: 2, more: 3 },
            { deviceId: 'd-2', moduleId: 'agent', fate: 'create', path: '', more: 0 },
          ],
          walked: 'It has an evaluate function.',
        }),
        seconds: 7380,
        competing: [
          {
            configuration: 'rival',
            targetCondition: '*',
            priority: 1,
            about: 'module',
            policy: 'all-well',
            module: 'agent',
            path: 'a',
            theirs: 1,
            wanted: 2,
            overridden: false,
          },
        ],
      },
      120,
      false,
    );
    expect(text).toMatch(
      /eventPriorityLogin\.value\s+340\s+"Low" → "High" \(300\), \(none\) → "High" \(30\), others \(10\)/,
    );
    expect(text).toMatch(/\(module\)\s+2\s+it threw\s+the policy fails/);
    expect(text).toContain(
      'The policy may overwrite or remove values in 200 twins an hour: 110 of 310 twins wait. "twinkeeper release all-well"',
    );
    expect(text).toMatch(/d-1\s+agent\s+a\s+1 → 2 and 3 more/);
    expect(text).toMatch(/d-2\s+agent\s+\(to be created\)/);
    expect(text).toContain("The policy's twins were all read. It has an evaluate function.");
    expect(text).toContain('Configuration rival (priority 1) sets a on agent to 1');
    expect(text).toContain('about 2 h 3 min within the budget');
    expect(text).toMatch(/There is something to do\.$/);
  });

  it('has colours when it is asked for them', () => {
    expect(renderForecast(forecastOf(compliant), 100, true)).toContain('\u001b[');
  });

  it('is safe for a terminal and has short lines, whatever the twins hold', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 500 }),
      fc.constant('\u001b]0;owned\u0007\u009b2J\u202e'),
    );
    fc.assert(
      fc.property(hostile, fc.jsonValue(), fc.integer({ min: 20, max: 250 }), (text, value, columns) => {
        const from = { key: text, value } as never;
        const rendered = renderForecast(
          forecastOf({
            ...compliant,
            compliant: 0,
            changes: [{ path: text, count: 1, values: [{ from, to: text, count: 1 }], others: 0 }],
            recorded: [
              {
                path: text,
                count: 1,
                values: [{ from }],
                others: 0,
                kind: 'custom',
                why: 'audit',
                message: text,
              } as never,
            ],
            examples: [{ deviceId: text, moduleId: text, fate: 'change', path: text, from, to: text, more: 0 }],
          }),
          columns,
          false,
        );
        expect(rendered.replaceAll('\n', '')).not.toMatch(controls);
        for (const line of rendered.split('\n'))
          expect([...line].length).toBeLessThanOrEqual(Math.max(110, columns * 1.6));
      }),
    );
  });
});

describe('safe text', () => {
  it('is one line, cut to the longest length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 50 }), (text, longest) => {
        const safe = safeText(text, longest);
        expect([...safe].length).toBeLessThanOrEqual(longest);
        expect(safe).not.toMatch(controls);
      }),
    );
    expect(safeText('grün → "ok" 温度', 40)).toBe('grün → "ok" 温度');
  });

  it('keeps its meaning as JSON, without control or invisible characters', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const text = safeJson(value);
        expect(text).not.toMatch(controls);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
