import { Command } from 'commander';
import packageJson from '../../../package.json' with { type: 'json' };
import { systemClock } from '../../../shared/clock.ts';
import type { Checked, DeploymentNames, Surroundings } from '../doctor/index.ts';
import { hasColour } from '../view/colour.ts';
import {
  type AzureOptions,
  addVariableOptions,
  azureHelp,
  azureOptions,
  namespaceHost,
  resourceManagerOf,
  type VariableOption,
  valuesOf,
  withAzureOptions,
} from './azure-option.ts';

interface DoctorOptions extends AzureOptions {
  readonly consumerGroup?: string;
  readonly functionApp?: string;
  readonly storageAccount?: string;
  readonly url?: string;
  readonly key?: string;
  readonly device?: string;
  readonly json?: true;
}

type DoctorOption = 'functionApp' | 'storageAccount' | 'consumerGroup';

const doctorOptions: readonly VariableOption<DoctorOption>[] = [
  { name: 'functionApp', value: '<name>', meaning: 'Names the function app.', variable: 'FUNCTION_APP_NAME' },
  {
    name: 'storageAccount',
    value: '<name>',
    meaning: 'Names the storage account of the app.',
    variable: 'STORAGE_ACCOUNT_NAME',
  },
  {
    name: 'consumerGroup',
    value: '<name>',
    meaning: 'Names the consumer group of the app.',
    variable: 'EVENTHUB_CONSUMER_GROUP',
  },
];

/** `twinkeeper doctor`: finds out why a deployment does not work. */
export function doctorCommand(): Command {
  const command = withAzureOptions(new Command('doctor'));
  addVariableOptions(command, doctorOptions);
  return command
    .summary('Checks a deployment in Azure, and says how to repair it.')
    .description(
      'Checks a deployment in Azure: the rights, the settings, the route of the events, the app, the clock and the versions. For each fault, ' +
        'shows the commands that repair it. Changes nothing, except one tag of the device that --device names.',
    )
    .option('--url <functions-url>', 'Sets the address of the running app. Without this option: FUNCTION_APP_URL.')
    .option(
      '--key <function-key>',
      'Sets a function key of the app. Without this option: FUNCTION_APP_KEY, which the list of processes does not show.',
    )
    .option(
      '--device <id>',
      'Changes the tag twinkeeperDoctor of this device, waits up to five minutes for the event, and puts the tag back.',
    )
    .option('--json', 'Prints one JSON document.')
    .addHelpText(
      'after',
      `
The exit code is 0 when nothing is wrong, 2 when something is, and 1 when nothing was found wrong but something could not be looked at.

${azureHelp}
  $ export FUNCTION_APP_KEY="$(az functionapp keys list --resource-group "$AZURE_RESOURCE_GROUP" --name "$FUNCTION_APP_NAME" --query functionKeys.default --output tsv)"

You need the role Reader on both resource groups, and the role Website Contributor on the app for its settings. --device also needs
IoT Hub Twin Contributor on the hub.
The az commands that are shown work on the subscription that "az account set --subscription" has chosen.

Examples:
  $ twinkeeper doctor
  $ twinkeeper doctor --device press-01
  $ twinkeeper doctor --json | jq -r '.checks[].findings[].mend[]'`,
    )
    .action(doctor);
}

async function doctor({ json, ...options }: DoctorOptions): Promise<void> {
  const { runChecks, verdictOf } = await import('../doctor/index.ts');
  const { showProgress } = await import('../view/progress.ts');
  const { renderChecked, renderVerdict } = await import('../view/findings.ts');
  const progress = showProgress();
  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  process.once('SIGINT', onInterrupt);
  const colour = hasColour(process.stdout);
  const all: Checked[] = [];
  try {
    const surroundings = await look(options, stop.signal, (text) => progress.show(text));
    for await (const checked of runChecks(surroundings)) {
      all.push(checked);
      progress.end();
      if (!json) process.stdout.write(renderChecked(checked, colour));
    }
  } finally {
    progress.end();
    process.off('SIGINT', onInterrupt);
  }
  const verdict = verdictOf(all);
  // The exit code is set before the output is written: if standard output is lost, the handler of lost output must replace this exit code.
  process.exitCode = { healthy: 0, faulty: 2, unknown: 1 }[verdict];
  if (json) {
    const { safeJson } = await import('../view/safe-text.ts');
    process.stdout.write(`${safeJson({ verdict, checks: all })}\n`);
  } else process.stdout.write(renderVerdict(verdict, colour));
}

async function look(
  options: DoctorOptions,
  signal: AbortSignal,
  onProgress: (text: string) => void,
): Promise<Surroundings> {
  const names = namesOf(options);
  const [{ openAzure, openDeployment, openDeviceTags, openRunningApp }, { DefaultAzureCredential }, { functionsApi }] =
    await Promise.all([import('../doctor/index.ts'), import('@azure/identity'), import('./functions-api.ts')]);
  const url = options.url ?? (process.env.FUNCTION_APP_URL || undefined);
  const key = options.key ?? (process.env.FUNCTION_APP_KEY || undefined);
  const azure = await openAzure({
    credential: new DefaultAzureCredential(),
    resourceManager: resourceManagerOf(options) ?? 'https://management.azure.com',
    clock: systemClock,
  });
  // Every failed sign-in takes seconds, so it is tried once, before all checks.
  await azure.signIn();
  return {
    deployment: openDeployment(names, azure),
    ...(url === undefined ? {} : { app: openRunningApp(functionsApi(url, key), key) }),
    ...(options.device === undefined ? {} : { device: options.device }),
    openTags: (hubHostName) => openDeviceTags(hubHostName),
    clock: systemClock,
    command: { version: packageJson.version, node: process.versions.node },
    signal,
    onProgress,
  };
}

/** @throws An Error whose message names all missing options. */
function namesOf(options: DoctorOptions): DeploymentNames {
  const { eventHubNamespace, ...names } = valuesOf(
    options,
    [...azureOptions, ...doctorOptions],
    [
      'hub',
      'hubResourceGroup',
      'subscription',
      'resourceGroup',
      'eventHubNamespace',
      'eventHub',
      'functionApp',
      'storageAccount',
      'consumerGroup',
    ],
  );
  return { ...names, eventHubHost: namespaceHost(eventHubNamespace) };
}
