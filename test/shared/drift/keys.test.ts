import { describe, expect, it } from 'vitest';
import type { Departure, DriftRow } from '../../../shared/drift/index.ts';
import { driftKey, openKey, openPrefix, rowKeyPrefixAt, rowPrefix } from '../../../shared/drift/keys.ts';
import { fromEntity, toEntity } from '../../../shared/drift/row-entity.ts';
import { encodeDeviceId } from '../../../shared/storage/index.ts';
import { joinText, splitText } from '../../../shared/storage/long-text.ts';
import type { Json } from '../../../shared/twin/index.ts';
import { deviceIds, fc, jsonObject } from '../../support/arbitraries.ts';

/**
 * A key that Table Storage allows: none of `/ \ # ?`, no control characters, and at most 1 KiB. `%` is also excluded, because it causes
 * errors in the emulator and in some SDKs.
 */
const legalKey = /^[^/\\#?%\p{Cc}]{1,512}$/u;

/** The last day on which different times have different keys. */
const lastDay = new Date('5138-11-16T00:00:00Z');

const departures: fc.Arbitrary<Departure> = fc.record({
  deviceId: deviceIds,
  moduleId: fc.oneof(fc.constant(''), deviceIds),
  policy: fc.stringMatching(/^[a-z]{1,5}$/),
  path: fc.constantFrom('', 'a', 'a.b', 'ms_iotn:urn'),
  kind: fc.constantFrom('missingModule', 'wrongValue', 'custom'),
  expected: fc.constant(undefined),
  actual: fc.constant(undefined),
  write: fc.record({
    version: fc.nat(5),
    at: fc.date({ min: new Date(0), max: lastDay, noInvalidDate: true }).map((date) => date.toISOString()),
    exact: fc.boolean(),
  }),
  mode: fc.constantFrom('enforce', 'audit'),
});

describe('a partition key', () => {
  it('is legal and unique for every id that IoT Hub allows', () => {
    fc.assert(
      fc.property(deviceIds, deviceIds, (left, right) => {
        const key = encodeDeviceId(left);
        expect(key).toMatch(legalKey);
        expect(key === encodeDeviceId(right)).toBe(left === right);
        // The device id can be decoded from its key. Two device ids therefore never have the same key.
        expect(key.replace(/~([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))).toBe(
          left,
        );
      }),
    );
  });

  it.each([
    ['plain-ID_1.x', 'plain-ID_1.x'],
    ["a#b?c%d'e$f", 'a~23b~3fc~25d~27e~24f'],
    ['%23', '~2523'],
  ])('of %s is %s', (id, key) => {
    expect(encodeDeviceId(id)).toBe(key);
  });
});

describe('the key of a row', () => {
  it('depends only on the identity of the departure', () => {
    fc.assert(
      fc.property(departures, departures, (left, right) => {
        const other = {
          ...left,
          actual: 5,
          expected: 'x',
          message: 'm',
          mode: right.mode,
          write: { ...left.write, exact: false },
        };
        expect(driftKey(other)).toBe(driftKey(left));
        expect(openKey(other)).toBe(openKey(left));
        expect(driftKey(left)).toMatch(legalKey);
      }),
    );
  });

  it.each<[string, Partial<Departure>]>([
    ['module', { moduleId: 'other' }],
    ['policy', { policy: 'other' }],
    ['path', { path: 'other' }],
    ['kind', { kind: 'missingProperty' }],
    ['version of the write', { write: { version: 8, at: '2026-01-01T00:00:00.0000001Z', exact: true } }],
    [
      'time of the write, to the last digit',
      { write: { version: 7, at: '2026-01-01T00:00:00.0000002Z', exact: true } },
    ],
  ])('differs for another %s', (_, change) => {
    const departure: Departure = {
      deviceId: 'd',
      moduleId: 'm',
      policy: 'p',
      path: 'a',
      kind: 'wrongValue',
      expected: 1,
      actual: 2,
      write: { version: 7, at: '2026-01-01T00:00:00.0000001Z', exact: true },
      mode: 'enforce',
    };
    expect(driftKey({ ...departure, ...change })).not.toBe(driftKey(departure));
    expect(openKey({ ...departure, ...change }) === openKey(departure)).toBe('write' in change);
  });

  it('sorts newer writes before older ones, and open entries before all rows', () => {
    fc.assert(
      fc.property(departures, departures, (left, right) => {
        const [a, b] = [Date.parse(left.write.at), Date.parse(right.write.at)];
        fc.pre(a !== b);
        expect(driftKey(left) < driftKey(right)).toBe(a > b);
        expect(openKey(left) < driftKey(right)).toBe(true);
        expect(openPrefix < rowPrefix).toBe(true);
      }),
    );
  });

  it('is in the range since its own time, and not in a range since a later time', () => {
    fc.assert(
      fc.property(departures, fc.integer({ min: 1, max: 1_000_000_000 }), (departure, milliseconds) => {
        const at = Date.parse(departure.write.at);
        fc.pre(at + milliseconds < lastDay.getTime());
        const key = driftKey(departure);
        expect(key <= `${rowKeyPrefixAt(departure.write.at)}~`).toBe(true);
        expect(key <= `${rowKeyPrefixAt(new Date(at + milliseconds).toISOString())}~`).toBe(false);
      }),
    );
  });

  it('separates writes within one millisecond, with the precision of the hub', () => {
    const at = (ticks: string) => rowKeyPrefixAt(`2026-01-01T00:00:00.123${ticks}Z`);
    expect([at(''), at('0001'), at('9999'), at('5')].toSorted()).toEqual([at('9999'), at('5'), at('0001'), at('')]);
  });

  it('exists for a write in the year 9999', () => {
    expect(rowKeyPrefixAt('9999-12-31T23:59:59.9999999Z')).toBe(`${rowPrefix}${'0'.repeat(18)}`);
  });

  it.each(['never', '', '0001-01-01T00:00:00Z'])('sorts as the oldest for a write at "%s"', (at) => {
    expect(rowKeyPrefixAt(at)).toBe(rowKeyPrefixAt('1970-01-01T00:00:00Z'));
  });
});

describe('a long text', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 50 }),
    fc
      .tuple(fc.integer({ min: 31_990, max: 32_010 }), fc.integer({ min: 1, max: 4 }), fc.constantFrom('x', '€', '😀'))
      .map(([length, times, letter]) => letter.repeat(length * times)),
  );

  it('can be joined from its parts, and each part fits a property', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const parts = splitText('part', text);
        expect(joinText('part', parts)).toBe(text);
        // A text property of a table entity holds at most 64 KiB of UTF-16, which is 32,768 characters.
        for (const part of Object.values(parts)) expect(part.length).toBeLessThanOrEqual(32_768);
      }),
    );
  });

  it('can be undefined or empty', () => {
    expect(joinText('part', splitText('part', undefined))).toBeUndefined();
    expect(joinText('part', splitText('part', ''))).toBe('');
  });
});

describe('an entity', () => {
  it('converts back to the same row', () => {
    const values = fc.oneof(
      jsonObject,
      fc.constant(undefined),
      fc.constant(null),
      fc.string(),
      fc.integer(),
    ) as fc.Arbitrary<Json | undefined>;
    const rows = fc.record(
      {
        message: fc.string(),
        operationTimestamp: fc.string(),
        correlationId: fc.string(),
        twinVersion: fc.nat(),
        desiredVersion: fc.nat(),
        closedAt: fc.string(),
        error: fc.string(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(departures, values, values, rows, (departure, expected, actual, rest) => {
        const row: DriftRow = {
          ...departure,
          expected,
          actual,
          v: 2,
          hub: 'hub',
          rowKey: driftKey(departure),
          detectedAt: '2026-01-01T00:00:00Z',
          source: 'event',
          outcome: 'pending',
          outcomeAt: '2026-01-01T00:00:00Z',
          ...rest,
        };
        for (const key of [row.rowKey, openKey(row)]) {
          const entity = toEntity(row, key);
          expect(entity.rowKey).toBe(key);
          expect(fromEntity(entity)).toEqual(row);
        }
      }),
    );
  });
});
