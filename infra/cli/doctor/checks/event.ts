import { az } from '../az.ts';
import type { Check, Surroundings } from '../check.ts';
import { type DeviceTags, TagRefusal, tagName } from '../device-tags.ts';
import { type Finding, fault, ok, skipped, unknown } from '../finding.ts';
import { roles } from '../roles.ts';
import type { RunningApp } from '../running-app.ts';

/** Milliseconds to wait for the event. The app stores the time of the last event once a minute, and an idle app must start first. */
const patience = 5 * 60_000;
/** Milliseconds between two questions. */
const pause = 5_000;
/** How often the tag is tried to be put back. */
const putBackAttempts = 4;
/** Milliseconds by which the clocks of this machine and of the app may differ. */
const skew = 2_000;
/** Events that came so short a time before the change that others probably come after it, too. In milliseconds. */
const recent = 120_000;

export const eventCheck: Check = {
  id: 'event',
  title: 'An event that really arrives',
  async run(surroundings) {
    const { deployment, app, device, openTags } = surroundings;
    if (device === undefined) {
      return [skipped(`Give --device DEVICE: the tag ${tagName} of this device is then changed and put back.`)];
    }
    if (app === undefined)
      return [unknown('The address of the app is not known: give --url, or set FUNCTION_APP_URL.')];
    const before = await app.details();
    if (before.type !== 'details' || before.details.state === undefined) {
      return [unknown('The app does not tell when events arrived. See "app-health".')];
    }
    const { properties } = await deployment.hub();
    const tags = await openTags(properties.hostName ?? '');
    let old: unknown;
    try {
      old = await tags.read(device);
    } catch (error) {
      return [refusal(surroundings, device, error)];
    }
    return touch({ ...surroundings, app }, tags, device, old, before.details.state.lastEventAt);
  },
};

/** Changes the tag, waits for an event, and puts the tag back, also when the waiting is interrupted. */
async function touch(
  surroundings: Surroundings & { readonly app: RunningApp },
  tags: DeviceTags,
  device: string,
  old: unknown,
  lastEventAt: string | undefined,
): Promise<readonly Finding[]> {
  const at = surroundings.clock.now();
  try {
    await tags.write(device, at.toISOString());
  } catch (error) {
    return [refusal(surroundings, device, error)];
  }
  const found = await wait(surroundings, at, lastEventAt);
  const left = await putBack(surroundings, tags, device, old);
  return [found, ...left];
}

async function putBack(
  { deployment, clock }: Surroundings,
  tags: DeviceTags,
  device: string,
  old: unknown,
): Promise<readonly Finding[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      await tags.write(device, old);
      return [];
    } catch (error) {
      // A device that was deleted meanwhile has no tag any more.
      if (error instanceof TagRefusal && error.status === 404) return [];
      if (attempt === putBackAttempts) {
        return [
          fault(
            `The tag ${tagName} of ${device} could not be put back: ${error instanceof TagRefusal && error.status !== undefined ? `the hub answered ${error.status}` : (error as Error).message}.`,
            az('iot hub device-twin update', {
              hubName: deployment.names.hub,
              deviceId: device,
              tags: JSON.stringify({ [tagName]: old }),
            }),
          ),
        ];
      }
      await clock.sleep(pause);
    }
  }
}

async function wait(
  { app, clock, signal, onProgress, deployment }: Surroundings & { readonly app: RunningApp },
  touchedAt: Date,
  lastEventAt: string | undefined,
): Promise<Finding> {
  const from = touchedAt.getTime();
  const isBusy = lastEventAt !== undefined && from - Date.parse(lastEventAt) < recent;
  while (!signal.aborted) {
    const answer = await app.details();
    const last = answer.type === 'details' ? Date.parse(answer.details.state?.lastEventAt ?? '') : Number.NaN;
    if (last >= from - skew && answer.type === 'details' && answer.details.state?.lastEventAt !== lastEventAt) {
      const seconds = Math.max(0, Math.round((last - from) / 1000));
      const which = isBusy ? ' Other events arrive too, so it may have been one of them.' : '';
      return ok(`The app got an event ${seconds} s after the change.${which}`);
    }
    const waited = clock.now().getTime() - from;
    if (waited >= patience) {
      return fault(
        `The app got no event within ${patience / 60_000} minutes after the change. See "route", "endpoint-health", "hub-role" and "event-hub".`,
        az('iot hub message-route test', { hubName: deployment.names.hub, routeName: 'twinkeeper-twins' }),
        'npx twinkeeper connect',
      );
    }
    onProgress(
      `Waiting for the event, ${Math.round(waited / 1000)} s so far. The app tells about events once a minute…`,
    );
    await clock.sleep(pause);
  }
  return unknown('You stopped the waiting. The tag was put back.');
}

function refusal({ deployment }: Surroundings, device: string, error: unknown): Finding {
  if (!(error instanceof TagRefusal)) throw error;
  const { status } = error;
  if (status === 404) {
    return unknown(
      `The hub has no device ${device}.`,
      az('iot hub device-identity list', { hubName: deployment.names.hub, query: '[].deviceId', output: 'tsv' }),
    );
  }
  if (status === 401 || status === 403) {
    return unknown(
      `You may not change tags of devices (${status}): you need the role ${roles.twinContributor.name}. New roles take some minutes to count.`,
      `az role assignment create --assignee "$(az ad signed-in-user show --query id --output tsv)" --role ${roles.twinContributor.id} --scope ${deployment.ids.hub}`,
    );
  }
  return unknown(
    `The tag of ${device} could not be changed: ${status === undefined ? error.message : `the hub answered ${status}`}.`,
  );
}
