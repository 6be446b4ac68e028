/**
 * Finds out why a deployment does not work. Each check looks at one thing, and says what is wrong and which commands repair it. Azure Resource
 * Manager tells what is set and assigned. Only the running app can tell whether its rights really count, so the app is asked too. Nothing is
 * changed, except one tag of a device that the operator names.
 *
 * @module
 */
export { type AzureOptions, openAzure } from './azure.ts';
export type { Surroundings } from './check.ts';
export { type DeploymentNames, openDeployment } from './deployment.ts';
export { openDeviceTags } from './device-tags.ts';
export type { Finding, FindingState } from './finding.ts';
export { type Checked, runChecks, type Verdict, verdictOf } from './run-checks.ts';
export { openRunningApp } from './running-app.ts';
