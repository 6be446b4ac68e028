/**
 * A twin is plain JSON data. A path names a property in it, a merge patch changes it, and its metadata names the write that last
 * changed each property. IoT Hub limits the size and depth of a twin. The code here is pure: no I/O, no clock, no state.
 *
 * @module
 */
export { isDeviceId } from './device-id.ts';
export { deepFreeze, isJsonObject, type Json, type JsonObject, jsonEquals } from './json.ts';
export { fitsTwin, type LimitFault, limitFaults, twinLimits, twinSize } from './limits.ts';
export { diffPatch, mergePatch } from './merge-patch.ts';
export { formatPath, getAt, obstacleOn, overlaps, type Path, parsePath, setAt } from './path.ts';
export { isTimestamp, type Twin, type TwinSection, toSection, toTwin, type Write, writeAt } from './twin.ts';
