/** The check of events, with the local hub and the real SDK. The app tells when the last event of the hub's event log arrived. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Surroundings } from '../../../../infra/cli/doctor/index.ts';
import { openDeviceTags } from '../../../../infra/cli/doctor/index.ts';
import { startIdentityEndpoint, TokenIssuer } from '../../../../infra/local/entra/index.ts';
import { MovableClock } from '../../../support/movable-clock.ts';
import { eventsOf, newDeviceId, startTestHub, type TestHub } from '../../local/hub/hub-client.ts';
import { ids, type Stage, startStage } from './plant.ts';

const twinContributor = '494bdba2-168f-4f31-a0a1-191d2f7c028c';
const person = {
  name: 'person',
  clientId: '00000000-0000-4000-8000-00000000d0c1',
  principalId: 'principal of the person',
  roles: [twinContributor],
};
const reader = {
  name: 'reader',
  clientId: '00000000-0000-4000-8000-00000000d0c2',
  principalId: 'principal of the reader',
  roles: ['b447c946-2db7-41ec-983d-d8bf3b1c77e3'],
};

let stage: Stage;
let hub: TestHub;
let close: () => Promise<unknown>;
beforeAll(async () => {
  const issuer = new TokenIssuer();
  const identities = [person, reader];
  const [endpoint, ...started] = await Promise.all([
    startIdentityEndpoint(identities, issuer),
    startTestHub({ identities, issuer }),
    startStage(),
  ]);
  [hub, stage] = started;
  vi.stubEnv('IDENTITY_ENDPOINT', endpoint.endpoint);
  vi.stubEnv('IDENTITY_HEADER', endpoint.header);
  close = () => Promise.all([endpoint.close(), hub.close(), stage.close()]);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await close();
});

/** When the newest event of the device entered the log of the hub. Without events: before the test. */
let lastEventAt: () => string | undefined;
let deviceId = '';
beforeEach(async () => {
  stage.reset();
  await setFaults([]);
  deviceId = newDeviceId();
  await hub.operator.create({ deviceId });
  await hub.operator.updateTwin(deviceId, { tags: { site: 'north' } }, '*');
  const seen = eventsOf(hub.log, deviceId).length;
  lastEventAt = () => eventsOf(hub.log, deviceId).slice(seen).at(-1)?.enqueuedTime.toISOString();
  stage.plant.hub.properties.hostName = `localhost:${hub.httpsPort}`;
  stage.plant.app['health/details'] = {
    status: 200,
    body: () => ({ status: 'healthy', state: { version: '0.1.0', lastEventAt: lastEventAt() } }),
  };
});

const setFaults = (faults: readonly object[]) =>
  fetch(`${hub.controlUrl}/faults`, { method: 'PUT', body: JSON.stringify({ faults }) });

/** A clock whose `sleep` takes no time. */
class QuickClock extends MovableClock {
  override async sleep(milliseconds = 0) {
    this.pass(milliseconds);
    await super.sleep();
  }
}

const check = (change: Partial<Surroundings> = {}, { clientId } = person) =>
  stage.check('event', {
    device: deviceId,
    clock: new QuickClock(),
    openTags: (hostName) => openDeviceTags(hostName, { identity: { type: 'managed', clientId }, ca: hub.ca }),
    ...change,
  });

async function tags(): Promise<unknown> {
  return (await hub.operator.getTwin(deviceId)).responseBody.tags;
}

describe('the check of events', () => {
  it('changes a tag, says how long the event took, and puts the tag back', async () => {
    expect(await check()).toEqual([
      { state: 'ok', what: expect.stringMatching(/^The app got an event [0-3] s after the change\.$/), mend: [] },
    ]);
    expect(await tags()).toEqual({ site: 'north' });
    expect(eventsOf(hub.log, deviceId).at(-2)?.body.toString()).toContain('twinkeeperDoctor');
  });

  it('puts the old value of the tag back', async () => {
    const twinkeeperDoctor = { mine: [1] };
    await hub.operator.updateTwin(deviceId, { tags: { twinkeeperDoctor } }, '*');
    lastEventAt = () => new Date(Date.now() + 3_000).toISOString();
    expect((await check())[0]?.state).toBe('ok');
    expect(await tags()).toEqual({ site: 'north', twinkeeperDoctor });
  });

  it('says that it may have been another event, on a hub with many events', async () => {
    const before = new Date(Date.now() - 60_000).toISOString();
    const arrived = lastEventAt;
    lastEventAt = () => arrived() ?? before;
    expect((await check())[0]?.what).toContain('Other events arrive too, so it may have been one of them.');
  });

  it('waits while the app does not know of the event yet, and says so', async () => {
    const arrived = lastEventAt;
    let asked = 0;
    lastEventAt = () => (++asked > 5 ? arrived() : undefined);
    const shown: string[] = [];
    expect((await check({ onProgress: (text) => shown.push(text) }))[0]?.state).toBe('ok');
    expect(shown).toHaveLength(4);
    expect(shown[1]).toMatch(/^Waiting for the event, 5 s so far\./);
  });

  it('finds a fault when no event arrives in five minutes, and puts the tag back', async () => {
    lastEventAt = () => new Date(Date.now() - 3_600_000).toISOString();
    expect(await check()).toEqual([
      {
        state: 'fault',
        what: 'The app got no event within 5 minutes after the change. See "route", "endpoint-health", "hub-role" and "event-hub".',
        mend: [
          'az iot hub message-route test --hub-name plant-hub --route-name twinkeeper-twins',
          'npx twinkeeper connect',
        ],
      },
    ]);
    expect(await tags()).toEqual({ site: 'north' });
  });

  it('puts the tag back when the waiting is interrupted', async () => {
    lastEventAt = () => undefined;
    const stop = new AbortController();
    const findings = await check({ signal: stop.signal, onProgress: () => stop.abort() });
    expect(findings).toEqual([{ state: 'unknown', what: 'You stopped the waiting. The tag was put back.', mend: [] }]);
    expect(await tags()).toEqual({ site: 'north' });
  });

  it('names the command that puts the tag back when the hub refuses that', async () => {
    lastEventAt = () => undefined;
    const stop = new AbortController();
    const clock = new QuickClock();
    clock.sleep = async (milliseconds = 0) => {
      clock.pass(milliseconds);
      stop.abort();
      await setFaults([{ share: 1, kinds: [{ status: 503 }] }]);
    };
    const [, left] = await check({ signal: stop.signal, clock });
    expect(left).toEqual({
      state: 'fault',
      what: `The tag twinkeeperDoctor of ${deviceId} could not be put back: the hub answered 503.`,
      mend: [
        `az iot hub device-twin update --hub-name plant-hub --device-id ${deviceId} --tags '{"twinkeeperDoctor":null}'`,
      ],
    });
  });

  it('does not mind that the device was deleted meanwhile', async () => {
    lastEventAt = () => undefined;
    const stop = new AbortController();
    const clock = new QuickClock();
    clock.sleep = async () => {
      stop.abort();
      await hub.operator.delete(deviceId);
    };
    expect(await check({ signal: stop.signal, clock })).toHaveLength(1);
  });
});

describe('the check of events cannot look', () => {
  it('without the right to change tags, and names the role', async () => {
    expect(await check({}, reader)).toEqual([
      {
        state: 'unknown',
        what: 'You may not change tags of devices (401): you need the role IoT Hub Twin Contributor. New roles take some minutes to count.',
        mend: [
          `az role assignment create --assignee "$(az ad signed-in-user show --query id --output tsv)" --role ${twinContributor} --scope ${ids.hub}`,
        ],
      },
    ]);
    expect(await tags()).toEqual({ site: 'north' });
  });

  it('at a device that does not exist', async () => {
    expect(await check({ device: 'nowhere' })).toEqual([
      {
        state: 'unknown',
        what: 'The hub has no device nowhere.',
        mend: ["az iot hub device-identity list --hub-name plant-hub --query '[].deviceId' --output tsv"],
      },
    ]);
  });

  it('when the hub answers with an error', async () => {
    await setFaults([{ share: 1, kinds: [{ status: 500 }] }]);
    expect((await check())[0]).toMatchObject({
      state: 'unknown',
      what: `The tag of ${deviceId} could not be changed: the hub answered 500.`,
    });
  });

  it('when the app does not tell when events arrived', async () => {
    stage.plant.app['health/details'] = { status: 200, body: { status: 'unknown' } };
    expect(await check()).toEqual([
      { state: 'unknown', what: 'The app does not tell when events arrived. See "app-health".', mend: [] },
    ]);
    expect(eventsOf(hub.log, deviceId).some(({ body }) => body.toString().includes('twinkeeperDoctor'))).toBe(false);
  });
});
