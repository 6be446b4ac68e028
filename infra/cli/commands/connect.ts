import { Command } from 'commander';
import { azureHelp, eventHubOf, withAzureOptions } from './azure-option.ts';
import { changeAndShow, type RoutingCommandOptions, routingExits } from './change-and-show.ts';

/** `twinkeeper connect`: adds Twinkeeper's endpoint and routes to an IoT hub in Azure. */
export function connectCommand(): Command {
  return withAzureOptions(new Command('connect'))
    .summary("Routes an IoT hub's events to the deployed app.")
    .description(
      'Adds to an IoT hub the endpoint twinkeeper and two routes: twin changes, and the life cycle of devices and modules. ' +
        'Everything else in the hub stays: other endpoints and routes, enrichments, the fallback route. A second run changes nothing.',
    )
    .option('--dry-run', 'Shows what would change, and changes nothing.')
    .option('--replace', 'Allows to change an endpoint twinkeeper that leads to another event hub.')
    .option('--json', 'Prints one JSON document.')
    .addHelpText(
      'after',
      `
${azureHelp}

${routingExits}

Examples:
  $ twinkeeper connect --dry-run
  $ twinkeeper connect
  $ twinkeeper connect --hub plant-hub --hub-resource-group rg-hubs --subscription $ID --resource-group rg-plant \\
      --event-hub-namespace evhns-abc.servicebus.windows.net --event-hub twin-events`,
    )
    .action(async (options: RoutingCommandOptions & { readonly replace?: true }) => {
      const target = eventHubOf(options);
      const { connectSteps } = await import('../arm/index.ts');
      await changeAndShow(options, connectSteps(target, options.replace === true));
    });
}
