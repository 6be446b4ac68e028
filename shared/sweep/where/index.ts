/**
 * Writes policies as IoT Hub queries. Each rule, expected report and scope becomes a condition in a `WHERE` clause, so the hub returns only
 * twins that may break the policy. Where the query language cannot express a rule, the result contains the reason. The sweep then reads all
 * twins of the policy. Pure.
 *
 * @module
 */
export { twinColumns, withColumns } from './columns.ts';
export type { Dialect } from './dialect.ts';
export {
  allDevicesQuery,
  brokenModulesQueries,
  type CompiledRules,
  compileReported,
  compileRules,
  countDevicesByIdQuery,
  countDevicesQuery,
  countFleetQuery,
  countModulesQuery,
  devicesQuery,
  modulesQuery,
  twinsQuery,
} from './queries.ts';
export { compileModuleScope, compileScope, type ScopeCondition } from './scope-condition.ts';
