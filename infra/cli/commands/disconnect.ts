import { Command } from 'commander';
import { azureHelp, namedEventHub, withAzureOptions } from './azure-option.ts';
import { changeAndShow, type RoutingCommandOptions, routingExits } from './change-and-show.ts';

/** `twinkeeper disconnect`: takes Twinkeeper's routes and endpoint out of an IoT hub in Azure. */
export function disconnectCommand(): Command {
  return withAzureOptions(new Command('disconnect'))
    .summary("Takes Twinkeeper's routes and endpoint out of an IoT hub.")
    .description(
      "Removes Twinkeeper's two routes from an IoT hub, and then the endpoint twinkeeper. Everything else in the hub stays. When the " +
        'event hub is named, an endpoint that leads to another event hub stays, too. A second run changes nothing.',
    )
    .option('--dry-run', 'Shows what would change, and changes nothing.')
    .option('--ignore-missing', 'Does nothing, and succeeds, when the hub does not exist any more.')
    .option('--json', 'Prints one JSON document.')
    .addHelpText(
      'after',
      `
${azureHelp}

${routingExits}

Examples:
  $ twinkeeper disconnect --dry-run
  $ twinkeeper disconnect`,
    )
    .action(async (options: RoutingCommandOptions) => {
      const { disconnectSteps } = await import('../arm/index.ts');
      await changeAndShow(options, disconnectSteps(namedEventHub(options)));
    });
}
