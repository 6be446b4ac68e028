import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAzurite } from '../local/azurite.ts';
import { writeSettingsFile } from '../local/host-environment.ts';
import { startAmqp } from '../local/hub/amqp/index.ts';
import { EventLog } from '../local/hub/event-log.ts';
import { projectRoot } from '../local/project.ts';
import { startServiceProcess } from '../local/service-parent.ts';
import type { Report } from './bench.ts';
import { bundleChild } from './bundle-child.ts';
import { unreachable } from './loaded-app.ts';
import { benchEnvironment } from './measure-in-child.ts';
import { twinEvent } from './twin-traffic.ts';

/** Events per second of real time, for the app (`ours`) and for the reference (`peer`). */
export interface EndToEndRates {
  readonly ours: number;
  readonly peer: number;
  /** Number of events that each app has handled. */
  readonly events: number;
}

/**
 * Number of measured rounds of each app. The rounds are short and the two apps take turns, so other load on the machine slows both apps
 * equally.
 */
const rounds = 20;
const eventsPerRound = 2_000;
const warmUpRounds = 5;
/** Number of devices. It is a prime number, so every device gets every kind of event. */
const devices = 4_999;
/** Milliseconds that a round may take. A longer round has failed. */
const roundTimeout = 60_000;

/** A function app that runs in a function host of its own and reads an event hub of its own. */
interface HostedApp {
  /** Sends `events` events to the event hub. Resolves when the app has handled all of them, with the duration in milliseconds. */
  runRound(events: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Measures the app and an empty app in alternating rounds. Each of the two has an event endpoint and a function host of its own. Both keep
 * their checkpoints in the same Azurite. Rejects if a handler fails, or if not all events are handled.
 */
export async function measureEndToEnd(
  bundle: string,
  peerBundle: string,
  folder: string,
  report: Report,
): Promise<EndToEndRates> {
  const closing: (() => Promise<void>)[] = [];
  try {
    const azurite = await startAzurite();
    closing.push(() => azurite.close());
    const storage = azurite.endpoints.connectionString;
    const ours = await startHostedApp('ours', bundle, folder, storage);
    closing.push(() => ours.close());
    const peer = await startHostedApp('peer', peerBundle, folder, storage);
    closing.push(() => peer.close());

    report.progress(`end to end, ${rounds} rounds of ${eventsPerRound} events each`);
    const ms = { ours: 0, peer: 0 };
    for (let round = -warmUpRounds; round < rounds; round++) {
      const oursMs = await ours.runRound(eventsPerRound);
      const peerMs = await peer.runRound(eventsPerRound);
      if (round < 0) continue;
      ms.ours += oursMs;
      ms.peer += peerMs;
    }
    const events = rounds * eventsPerRound;
    return { ours: (events / ms.ours) * 1000, peer: (events / ms.peer) * 1000, events };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** Starts a function app. `name` is also the name of its event hub. Checkpoints are stored under this name. */
async function startHostedApp(name: string, app: string, folder: string, storage: string): Promise<HostedApp> {
  const appRoot = join(folder, name);
  const log = new EventLog();
  const hub = await startAmqp(log, { port: 0, eventHubName: name, keyName: 'bench', key: 'YmVuY2g=' });
  let sent = 0;
  let handled = 0;
  let waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  const fail = (reason: string) => waiting?.reject(new Error(`${app}: ${reason}`));
  try {
    const settingsFile = await writeAppFolder(appRoot, {
      ...unreachable,
      EventHubConnection: hub.connectionString,
      EVENTHUB_NAME: name,
      AzureWebJobsStorage: storage,
      BENCH_APP: app,
    });
    const host = await startServiceProcess({
      name: 'The function host',
      script: join(projectRoot(), 'dist/local/host.js'),
      options: { appRoot, settingsFile },
      environment: benchEnvironment(process.env),
      onLine(line) {
        const count = /^bench: handled (\d+)$/.exec(line)?.[1];
        if (count === undefined) {
          if (/^\S+ (error|critical) /.test(line)) fail(line);
          return;
        }
        handled = Number(count);
        if (handled >= sent) waiting?.resolve();
      },
    });
    host.ended.then((exit) => fail(`its function host exited with ${exit}.`));
    return {
      async runRound(count) {
        const events = Array.from({ length: count }, (_, index) => twinEvent(sent + index, devices));
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        waiting = { resolve, reject };
        const timer = setTimeout(
          () => fail(`handled ${handled} of ${sent} events within ${roundTimeout / 1000} s.`),
          roundTimeout,
        );
        const from = performance.now();
        sent += count;
        for (const event of events) log.append(event);
        await promise.finally(() => clearTimeout(timer));
        return performance.now() - from;
      },
      async close() {
        await host.close();
        await hub.close();
      },
    };
  } catch (error) {
    await hub.close();
    throw error;
  }
}

/** Writes the folder of a function app whose main script is `counting-app`. Returns the path of the settings file. */
async function writeAppFolder(appRoot: string, settings: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(appRoot);
  await copyFile(join(projectRoot(), 'host.json'), join(appRoot, 'host.json'));
  await writeFile(join(appRoot, 'package.json'), JSON.stringify({ main: 'counting-app.mjs' }));
  await bundleChild('counting-app', appRoot);
  return writeSettingsFile(appRoot, settings);
}
