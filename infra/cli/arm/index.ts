/**
 * Changes the message routing of an IoT hub through Azure Resource Manager. Routes are no resources of their own: each change writes the whole
 * hub. So this folder reads the hub, changes only Twinkeeper's endpoint and routes, writes the hub with its ETag, and begins again when somebody
 * else was faster.
 */
export { changeRouting, type RoutingResult } from './change-routing.ts';
export { type Change, connectSteps, type EventHubTarget, type Steps } from './connect-routing.ts';
export { disconnectSteps } from './disconnect-routing.ts';
export { openHub } from './hub-resource.ts';
