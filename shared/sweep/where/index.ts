/**
 * Policies as IoT Hub queries: which twins depart from them, and which devices and modules they are about. Pure.
 *
 * @module
 */
export {
  brokenModulesQueries,
  type CompiledRules,
  compileReported,
  compileRules,
  countDevicesQuery,
  countLikeQuery,
  countModulesQuery,
  modulesQuery,
  scopeQuery,
  twinsQuery,
} from './queries.ts';
export { compileModuleScope, compileScope, type ScopeCondition } from './scope-condition.ts';
