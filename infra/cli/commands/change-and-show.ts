import { systemClock } from '../../../shared/clock.ts';
import type { RoutingResult, Steps } from '../arm/index.ts';
import { hasColour } from '../view/colour.ts';
import { type AzureOptions, azureHubOf } from './azure-option.ts';

/** The options of the commands that change the routing of a hub. */
export interface RoutingCommandOptions extends AzureOptions {
  readonly dryRun?: true;
  /** A hub that does not exist counts as unchanged. */
  readonly ignoreMissing?: true;
  readonly json?: true;
}

/** A paragraph for the help text. */
export const routingExits = `The exit code is 0 when the hub is as wanted, 2 with --dry-run when something would change, and 1 on an error.`;

/** Changes the routing of the hub that the options name, and prints the result. Sets the exit code. */
export async function changeAndShow(options: RoutingCommandOptions, steps: Steps): Promise<void> {
  const hub = await azureHubOf(options);
  const { changeRouting } = await import('../arm/index.ts');
  const result = await changeRouting(hub, steps, {
    clock: systemClock,
    dryRun: options.dryRun === true,
    onProgress: (text) => process.stderr.write(`${text}\n`),
  }).catch((error: unknown): RoutingResult => {
    if (options.ignoreMissing !== true || !isMissing(error)) throw error;
    process.stderr.write(`There is no hub ${hub.name} any more.\n`);
    return { state: 'unchanged', changes: [] };
  });
  process.exitCode = result.state === 'planned' ? 2 : 0;
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ hub: hub.name, ...result })}\n`
      : await render(hub.name, result, hasColour(process.stdout)),
  );
}

/** Whether the hub or its resource group does not exist. A subscription that nobody can see is no proof of that. */
function isMissing(error: unknown): boolean {
  const { statusCode, code } = error as { readonly statusCode?: unknown; readonly code?: unknown };
  return statusCode === 404 && (code === 'ResourceNotFound' || code === 'ResourceGroupNotFound');
}

async function render(hub: string, { state, changes }: RoutingResult, colour: boolean): Promise<string> {
  const { renderChanges } = await import('../view/routing-changes.ts');
  return renderChanges(hub, state, changes, colour);
}
