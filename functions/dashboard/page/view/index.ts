/**
 * The view: filters, time range, chart split and open dialog. The view is stored only in the page's address, so the user can share a view
 * as a link and use the browser's Back button. The parts of the page change the address, and `onView` calls all listeners after each
 * change.
 *
 * @module
 */
export {
  countedRange,
  type FilterName,
  type Filters,
  filterNames,
  isSignedIn,
  key,
  type Panel,
  timeRange,
  type View,
  type ViewTime,
  view,
} from './address.ts';
export { go, link, noPanel, onView, toDevice, toFinder, toRow } from './links.ts';
