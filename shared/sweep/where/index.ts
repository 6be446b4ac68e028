/**
 * Policies as IoT Hub queries: each rule, expected report and scope becomes a condition in a `WHERE` clause. A compliant twin matches none of
 * a policy's conditions. Where the query language cannot express something, the result says so, and the sweep reads twins instead. Pure.
 *
 * @module
 */
export {
  brokenModulesQueries,
  type CompiledRules,
  compileReported,
  compileRules,
  countDevicesByIdQuery,
  countDevicesQuery,
  countModulesQuery,
  devicesQuery,
  modulesQuery,
  twinsQuery,
} from './queries.ts';
export { compileModuleScope, compileScope, type ScopeCondition } from './scope-condition.ts';
