/**
 * Twins as plain data: JSON values, paths in them, merge patches, IoT Hub's limits, and the metadata that tells which write brought
 * a value. Pure: nothing here does I/O, reads a clock or keeps state.
 *
 * @module
 */
export { isDeviceId } from './device-id.ts';
export { deepFreeze, isJsonObject, type Json, type JsonObject, jsonEquals } from './json.ts';
export { fitsTwin, type LimitFault, limitFaults, twinLimits, twinSize } from './limits.ts';
export { diffPatch, mergePatch } from './merge-patch.ts';
export { formatPath, getAt, obstacleOn, overlaps, type Path, parsePath, setAt } from './path.ts';
export { isTimestamp, type Twin, type TwinSection, toSection, toTwin, type Write, writeAt } from './twin.ts';
