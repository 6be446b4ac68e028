import type { IotHubDescription } from '@azure/arm-iothub';
import type { Clock } from '../../../shared/clock.ts';
import { az } from '../az-command.ts';
import { type Change, endpointName, type Steps } from './connect-routing.ts';
import type { HubResource } from './hub-resource.ts';
import { refuseLoss } from './refuse-loss.ts';

/** What a change of the routing has done, or would do. */
export interface RoutingResult {
  /** `unchanged`: the routing was as wanted. `changed`: it is now. `planned`: it would be changed. */
  readonly state: 'unchanged' | 'changed' | 'planned';
  readonly changes: readonly Change[];
}

export interface RoutingOptions {
  readonly clock: Clock;
  /** Only reads, and returns the changes of all steps. */
  readonly dryRun: boolean;
  /** Called with one line of text when the work waits. */
  onProgress(text: string): void;
}

/** How long to wait for a hub in transition, and for roles to spread: 15 minutes, in milliseconds. */
const patience = 15 * 60_000;

/** Milliseconds between two tries. */
const pause = 15_000;

/** States in which a hub takes no change, and which end by themselves. */
const passingStates = /^(Activating|Transitioning|Resuming|Suspending|FailingOver|Updating|Accepted)$/i;

/**
 * Brings the routing of a hub into the wanted form, step by step. A second call changes nothing. When somebody else writes the hub in between,
 * the step begins again with the new hub. While the hub is in transition, or the right to send has not spread yet, waits and tries again.
 *
 * @throws An Error that says what to do, when the hub cannot be changed, or not within 15 minutes.
 */
export async function changeRouting(
  resource: HubResource,
  steps: Steps,
  { clock, dryRun, onProgress }: RoutingOptions,
): Promise<RoutingResult> {
  const deadline = clock.now().getTime() + patience;
  const done: Change[] = [];
  const wait = async ({ reason, wayOut = 'Run the command again later.' }: Obstacle) => {
    if (clock.now().getTime() + pause > deadline) throw new Error(`${reason} Gave up after 15 minutes. ${wayOut}`);
    onProgress(`${reason} Trying again in ${pause / 1000} seconds…`);
    await clock.sleep(pause);
  };
  /** In a dry run: the hub as the steps before would leave it. */
  let planned: IotHubDescription | undefined;
  for (const step of steps) {
    let conflicts = 0;
    for (;;) {
      const hub = planned ?? (await resource.read());
      const state = hub.properties?.state ?? hub.properties?.provisioningState ?? 'Active';
      if (!dryRun && passingStates.test(state)) {
        await wait({ reason: `The hub ${resource.name} takes no change now: it is ${state}.` });
        continue;
      }
      const { hub: next, changes, note } = step(hub);
      if (note !== undefined) onProgress(note);
      if (changes.length > 0) refuseLoss(next, changes, await resource.losses(next));
      if (dryRun) {
        planned = next;
        done.push(...changes);
        break;
      }
      if (changes.length === 0) break;
      onProgress(`Writing the hub ${resource.name}: ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}…`);
      try {
        await resource.write(next);
        done.push(...changes);
        break;
      } catch (error) {
        const obstacle = obstacleOf(next, error);
        if (obstacle === undefined) throw error;
        if (obstacle !== 'changed') await wait(obstacle);
        else if (conflicts++ === 0)
          onProgress(`Somebody else changed the hub ${resource.name} meanwhile. Reading it again…`);
        else await wait({ reason: `Somebody else changed the hub ${resource.name} again.` });
      }
    }
  }
  return { state: done.length === 0 ? 'unchanged' : dryRun ? 'planned' : 'changed', changes: done };
}

/** Why a write failed that is worth another try. */
interface Obstacle {
  /** One or two sentences. */
  readonly reason: string;
  /** What to do when the obstacle stays. */
  readonly wayOut?: string;
}

/** What stands in the way of a failed write. `changed`: somebody else was faster, so the first time, try again at once. `undefined`: it will never succeed. */
function obstacleOf(hub: IotHubDescription, error: unknown): Obstacle | 'changed' | undefined {
  const { name } = hub;
  const { statusCode, message = '' } = error as { readonly statusCode?: unknown; readonly message?: string };
  if (statusCode === 412) return 'changed';
  if (statusCode === 409 || statusCode === 429 || (typeof statusCode === 'number' && statusCode >= 500)) {
    return { reason: `The hub ${name} takes no change now: Azure answered ${statusCode}.` };
  }
  // The hub tries its right to send while it takes the endpoint. A new role assignment takes minutes to reach it.
  return statusCode !== 403 &&
    statusCode !== 401 &&
    /unauthori[sz]ed|not authori[sz]ed|access|permission|40130\d/i.test(message)
    ? {
        reason: `The hub ${name} may not send to the event hub yet. It needs the role Azure Event Hubs Data Sender there, and new roles take minutes.`,
        wayOut: `Assign the role, and run the command again:\n  ${senderCommand(hub)}`,
      }
    : undefined;
}

/** The command that gives a hub the role Azure Event Hubs Data Sender on the event hub of its endpoint. */
function senderCommand({ identity, properties }: IotHubDescription): string {
  const endpoint = properties?.routing?.endpoints?.eventHubs?.find(({ name }) => name === endpointName);
  const namespace = /^sb:\/\/([^.]+)/.exec(endpoint?.endpointUri ?? '')?.[1];
  const group = `/subscriptions/${endpoint?.subscriptionId}/resourceGroups/${endpoint?.resourceGroup}`;
  return az('role assignment create', {
    assigneeObjectId: identity?.principalId ?? '',
    assigneePrincipalType: 'ServicePrincipal',
    role: '2b629674-e913-4c01-ae53-ef4638d8f975',
    scope: `${group}/providers/Microsoft.EventHub/namespaces/${namespace}/eventhubs/${endpoint?.entityPath}`,
  });
}
