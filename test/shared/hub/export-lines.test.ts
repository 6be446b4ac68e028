import { expect, it } from 'vitest';
import { readExportLine } from '../../../shared/hub/export-lines.ts';

it('reads the line of a device and of a module', () => {
  // Issue 1146 of azure-iot-sdk-csharp shows lines of this form.
  const identity = { id: 'd', eTag: 'ODcwMDE5Njk1', status: 'enabled', authentication: null, twinETag: 'AAAAAAAAAAE=' };
  const twin = { tags: { a: 1 }, properties: { desired: { b: 2 }, reported: {} } };
  expect(readExportLine(JSON.stringify({ ...identity, ...twin, capabilities: { iotEdge: true } }))).toEqual({
    deviceId: 'd',
    moduleId: '',
    tags: { a: 1 },
    desired: { b: 2 },
    reported: {},
    edge: true,
  });
  expect(readExportLine(JSON.stringify({ ...identity, ...twin, moduleId: 'm' }))).toEqual({
    deviceId: 'd',
    moduleId: 'm',
    tags: { a: 1 },
    desired: { b: 2 },
    reported: {},
  });
});

it('reads the first line of a blob that begins with a byte order mark', () => {
  expect(readExportLine('\uFEFF{"id":"d"}')).toEqual({ deviceId: 'd', moduleId: '' });
});

it('leaves out what a line does not have', () => {
  expect(readExportLine('{"id":"d","moduleId":null,"tags":null,"properties":null,"capabilities":{}}')).toEqual({
    deviceId: 'd',
    moduleId: '',
  });
});

it('takes metadata and versions for what they are, where a hub writes them', () => {
  const line = { id: 'd', properties: { desired: { a: 1, $version: 3, $metadata: { $lastUpdated: 'x' } } } };
  expect(readExportLine(JSON.stringify(line))).toMatchObject({ desired: { a: 1 } });
});

it.each(['', '[]', 'null', '{}', '{"id":""}', '{"id":7}', '{"id":"d","moduleId":7}', '{"id":"d"'])(
  'refuses %j, which is no twin',
  (line) => {
    expect(readExportLine(line)).toBeUndefined();
  },
);
