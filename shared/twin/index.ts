/**
 * This folder handles twins as plain JSON values. A path is the list of keys that leads to a property. A merge patch is a JSON object that
 * changes a twin. The metadata of a twin say which write last changed each property. IoT Hub limits the size and the depth of a twin. The
 * functions here are pure: they do no I/O, read no clock and keep no state.
 *
 * @module
 */
export { isDeviceId } from './device-id.ts';
export { deepFreeze, isJsonObject, type Json, type JsonObject, jsonEquals } from './json.ts';
export { fitsTwin, type LimitFault, limitFaults, twinLimits, twinSize } from './limits.ts';
export { diffPatch, mergePatch } from './merge-patch.ts';
export { formatPath, getAt, obstacleOn, overlaps, type Path, parsePath, setAt } from './path.ts';
export { isTimestamp, type Twin, type TwinSection, toSection, toTwin, type Write, writeAt } from './twin.ts';
