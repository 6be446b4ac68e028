import { describe, expect, it } from 'vitest';
import { targetPredicate } from '../../../shared/guards/target-condition.ts';
import { twin } from './guard-fixtures.ts';

describe('a target condition', () => {
  const seen = twin(
    { mode: 'High' },
    { tags: { site: 'plant', level: 3 }, reported: { state: 'ok' } },
    'Agent',
    'device-1',
  );

  it.each([
    ['*', true],
    ['', false],
    ['   ', false],
    ['FROM devices.modules', true],
    ["FROM devices.modules WHERE moduleId = 'Agent'", true],
    ["FROM devices.modules WHERE moduleId = 'Other'", false],
    ["FROM devices.modules WHERE deviceId = 'device-1' AND tags.site = 'plant'", true],
    ["FROM devices.modules WHERE tags.site = 'office'", false],
    ["FROM devices.modules WHERE properties.reported.state = 'ok' AND properties.desired.mode != 'Low'", true],
    ['FROM devices.modules WHERE tags.level > 3', false],
    ['FROM devices.modules WHERE tags.missing = 1', false],
    // A twin does not hold the data for these conditions, or the condition cannot be parsed. Such a condition matches every twin.
    ["connectionState = 'Connected'", true],
    ['SELECT nonsense', true],
  ])('%j applies to a twin: %s', (condition, applies) => {
    expect(targetPredicate(condition)(seen)).toBe(applies);
  });

  it('can use capabilities.iotEdge of a device', () => {
    const isEdge = targetPredicate('capabilities.iotEdge = true');
    expect(isEdge(twin({}, { capabilities: { iotEdge: true } }, ''))).toBe(true);
    expect(isEdge(twin({}, {}, ''))).toBe(false);
  });
});
