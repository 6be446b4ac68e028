/**
 * Turns values into text and HTML elements. Text from a twin is shown as text only. It is never parsed as HTML, and it cannot hide or
 * reorder the text beside it.
 *
 * @module
 */
export { deedOf, describeActor, resultBadge } from './action-text.ts';
export { type Attributes, type Child, el, fill, find, foreign, refill } from './elements.ts';
export { count, counted, duration, percent } from './numbers.ts';
export { ownValue } from './own-value.ts';
export { reasonGroups } from './reason-groups.ts';
export { badge, gradeOf, keyOf, type RowKey, shortPath, subject, took, words } from './row-text.ts';
export { skeletonLines, skeletonTile } from './skeleton.ts';
export { json, printable } from './text.ts';
export {
  clockOf,
  dayOf,
  hour,
  iso,
  localZoneName,
  moment,
  shownZone,
  showTimesIn,
  span,
  time,
  type Zone,
} from './times.ts';
