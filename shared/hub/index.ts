/**
 * The one door to IoT Hub. It alone knows `azure-iothub`; everyone else sees the {@link Hub} interface, in which a call is answered
 * with a value or with a problem to choose about.
 *
 * @module
 */
export type { BudgetOptions } from './budget.ts';
export type { HubAddress } from './connection.ts';
export { hostOf, openRegistry } from './connection.ts';
export type { Answer, Configuration, Hub, Lane, NewModule, Problem, QueryPage } from './hub.ts';
export { connectToHub, type IotHubOptions } from './iot-hub.ts';
export { type HubTier, hubTiers, type OperationClass, operationClasses, throttleLimits } from './throttle-limits.ts';
