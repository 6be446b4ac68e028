/**
 * The address is the page's only state. It names the view, so that a view can be shared and Back works. Parts of the page change the address,
 * and `onView` tells all of them.
 *
 * @module
 */
export {
  countedRange,
  type FilterName,
  type Filters,
  filterNames,
  key,
  type Panel,
  timeRange,
  type View,
  type ViewTime,
  view,
} from './address.ts';
export { go, link, noPanel, onView, toDevice, toRow } from './links.ts';
