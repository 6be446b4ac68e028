import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ComparedModule } from '../../../../functions/api/answers.ts';
import { renderTwinDiff } from '../../../../infra/cli/view/twin-diff.ts';
import { forbidden, hostile, withoutColours } from './hostile-rows.ts';

describe('the diff of a twin', () => {
  const property = { policy: 'agents', rule: '' };
  const module: ComparedModule = {
    moduleId: 'agent',
    exists: true,
    policies: ['agents'],
    properties: [
      { ...property, path: 'a', kind: 'wrongValue', ok: false, expected: 1, actual: 'x' },
      { ...property, path: 'b', kind: 'missingProperty', ok: false, expected: 2 },
      { ...property, path: 'c', kind: 'forbiddenProperty', ok: false, actual: 3 },
      { ...property, path: 'd', kind: 'custom', ok: false, actual: 1, expected: 4, message: 'too small' },
      { ...property, path: 'e', kind: 'notReported', ok: false, actual: 1, expected: 5 },
      { ...property, path: '', kind: 'policyError', ok: false, message: 'evaluate threw' },
      { ...property, path: 'f', ok: true, expected: 6, actual: 6 },
    ],
  };

  it('shows actual values with a minus and expected ones with a plus, and counts the compliant ones', () => {
    expect(renderTwinDiff([module], { all: false, colour: false }).split('\n')).toEqual([
      'agent (agents)',
      '- a: "x"',
      '+ a: 1',
      '+ b: 2',
      '- c: 3',
      '- d: 1',
      '+ d: 4',
      '! too small',
      '- e: 1 (reported by the agent)',
      '+ e: 5',
      '! (the twin as a whole): evaluate threw',
      '  1 property is compliant',
    ]);
  });

  it('lists the compliant properties on request, and has colours on a terminal', () => {
    const text = renderTwinDiff([module], { all: true, colour: true });
    expect(text).toContain('\u001b[2m  f: 6\u001b[22m');
    expect(text).toContain('\u001b[31m- a: "x"\u001b[39m');
    expect(text).toContain('\u001b[32m+ a: 1\u001b[39m');
  });

  it('shows the baseline of a missing module once', () => {
    const missing: ComparedModule = {
      moduleId: 'agent',
      exists: false,
      policies: ['agents'],
      properties: [
        { ...property, path: '', kind: 'missingModule', ok: false, expected: { a: { b: 1 }, c: 2 } },
        { ...property, path: 'a.b', kind: 'missingModule', ok: false, expected: 1 },
        { ...property, path: 'c', kind: 'missingModule', ok: false, expected: 2 },
      ],
    };
    expect(renderTwinDiff([missing], { all: false, colour: false })).toBe(
      'agent (agents)\n- (no such module)\n+ a.b: 1\n+ c: 2',
    );
    expect(renderTwinDiff([{ ...missing, properties: [] }], { all: false, colour: false })).toContain(
      'missing, and no policy creates it',
    );
  });

  it('is safe for a terminal, whatever the twin holds', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, fc.dictionary(hostile, hostile), (path, actual, message, baseline) => {
        const kinds = ['wrongValue', 'custom', 'policyError', 'notReported', 'missingModule'] as const;
        const properties = kinds.map((kind) => ({
          ...property,
          path: kind === 'missingModule' ? '' : path,
          kind,
          ok: false,
          actual,
          expected: kind === 'missingModule' ? baseline : path,
          message,
        }));
        const all = [...properties, { ...property, path, ok: true, actual, expected: actual }];
        const text = renderTwinDiff([{ moduleId: message, exists: true, policies: [path], properties: all }], {
          all: true,
          colour: true,
        });
        expect(withoutColours(text)).not.toMatch(forbidden);
      }),
    );
  });
});
