/** The Bicep compiler for tests, and evaluated deployments. */
import { resolve } from 'node:path';
import { type AzdEnvironment, evaluateTemplate, exampleEnvironment } from '../../../infra/build/azure-template.ts';
import { bicepAdvice, bicepCompiler } from '../../../infra/build/bicep-compiler.ts';

/** The folder with the Bicep files. */
export const azureFolder = resolve(import.meta.dirname, '../../../infra/azure');

const compiler = await bicepCompiler();
/** True when this machine has no Bicep compiler. Tests that need it are then skipped. In CI they fail instead. */
export const isWithoutBicep = compiler === undefined && process.env.CI === undefined;
if (isWithoutBicep) console.warn(`The tests that compile Bicep are skipped. ${bicepAdvice}`);

/** The path of the Bicep compiler. Throws when there is none. */
export function bicep(): string {
  if (compiler === undefined) throw new Error(bicepAdvice);
  return compiler;
}

/** A resource of an evaluated deployment. Values that only Azure knows are expressions in brackets. */
export interface PredictedResource {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly kind?: string;
  readonly sku?: Readonly<Record<string, unknown>>;
  readonly identity?: { readonly type: string };
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface Snapshot {
  readonly predictedResources: readonly PredictedResource[];
  readonly diagnostics: readonly unknown[];
  readonly outputs?: unknown;
}

/** Evaluates a deployment with the example values and these further variables. */
export async function deploymentWith(environment: AzdEnvironment = {}, folder = azureFolder): Promise<Snapshot> {
  return JSON.parse(await evaluateTemplate(bicep(), folder, { ...exampleEnvironment, ...environment })) as Snapshot;
}

/** The variables that switch all options on. */
export const allOptions: AzdEnvironment = {
  TWINKEEPER_MODE: 'enforce',
  TWINKEEPER_HUB_JOBS: 'true',
  TWINKEEPER_PRIVATE_NETWORK: 'true',
  TWINKEEPER_PROTECT_HISTORY: 'true',
  TWINKEEPER_ZONE_REDUNDANT: 'true',
  TWINKEEPER_ALWAYS_READY: '1',
  TWINKEEPER_ALERT_EMAIL: 'operator@example.com',
  TWINKEEPER_ALERT_WEBHOOK: 'https://example.com/alerts',
  TWINKEEPER_OPERATORS_CLIENT_ID: '99999999-8888-7777-6666-555555555555',
};

/** The app settings of a deployment, by name. */
export function appSettings({ predictedResources }: Snapshot): Readonly<Record<string, string>> {
  const site = predictedResources.find(({ type }) => type === 'Microsoft.Web/sites');
  const config = site?.properties?.siteConfig as
    | { readonly appSettings: readonly { readonly name: string; readonly value: string }[] }
    | undefined;
  return Object.fromEntries((config?.appSettings ?? []).map(({ name, value }) => [name, value]));
}
