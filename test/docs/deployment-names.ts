import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The names that the deployment knows: see the fields. */
export interface DeploymentNames {
  /** The variables of azd's environment that the deployment reads. */
  readonly azdVariables: readonly string[];
  /** The parameters of the template. */
  readonly parameters: readonly string[];
  /** The parameters without a default. */
  readonly required: readonly string[];
  readonly outputs: readonly string[];
}

/** Reads the names from the template and the parameter file of azd. */
export function deploymentNames(root: string): DeploymentNames {
  const read = (name: string) => JSON.parse(readFileSync(join(root, 'infra/azure', name), 'utf8'));
  const template = read('main.json') as {
    readonly parameters: Readonly<Record<string, { readonly defaultValue?: unknown }>>;
    readonly outputs: Readonly<Record<string, unknown>>;
  };
  const { parameters: values } = read('main.parameters.json') as {
    readonly parameters: Readonly<Record<string, { readonly value: string }>>;
  };
  return {
    azdVariables: Object.values(values).map(({ value }) => value.replace(/^\$\{(\w+)\}$/, '$1')),
    parameters: Object.keys(template.parameters),
    required: Object.keys(template.parameters).filter((name) => template.parameters[name]?.defaultValue === undefined),
    outputs: Object.keys(template.outputs),
  };
}
