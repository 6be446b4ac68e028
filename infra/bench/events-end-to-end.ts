import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAzurite } from '../local/azurite.ts';
import { writeSettingsFile } from '../local/host-environment.ts';
import { startAmqp } from '../local/hub/amqp/index.ts';
import { EventLog } from '../local/hub/event-log.ts';
import { projectRoot } from '../local/project.ts';
import { startServiceProcess } from '../local/service-process.ts';
import { benchEnvironment } from './apart.ts';
import type { Report } from './bench.ts';
import { bundleChild } from './bundle-child.ts';
import { unreachable } from './loaded-app.ts';
import { twinEvent } from './twin-traffic.ts';

/** Events per second by the clock. */
export interface EndToEndRates {
  readonly ours: number;
  readonly peer: number;
  /** How many each of them has taken. */
  readonly events: number;
}

/** Short turns, so that whatever else the machine does falls on both alike. */
const turns = 20;
const eventsPerTurn = 2_000;
const warmUpTurns = 5;
/** Prime, so that every kind of event comes to every device. */
const devices = 4_999;
/** A turn that takes longer than this has come to a halt, in milliseconds. */
const patience = 60_000;

/** An app on a function host of its own, which is fed by an event hub of its own. */
interface Runner {
  /** Sends so many events and resolves when the app has handled all: how long that took, in milliseconds. */
  takeTurn(events: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Feeds both apps in turns, each through a local hub's event endpoint and a function host of its own, with checkpoints in one Azurite.
 *
 * @throws Where an app's handler fails or does not come to the end of the events.
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
    const ours = await startRunner('ours', bundle, folder, storage);
    closing.push(() => ours.close());
    const peer = await startRunner('peer', peerBundle, folder, storage);
    closing.push(() => peer.close());

    report.progress(`end to end, ${turns} turns of ${eventsPerTurn} events each`);
    const ms = { ours: 0, peer: 0 };
    for (let turn = -warmUpTurns; turn < turns; turn++) {
      const took = { ours: await ours.takeTurn(eventsPerTurn), peer: await peer.takeTurn(eventsPerTurn) };
      if (turn < 0) continue;
      ms.ours += took.ours;
      ms.peer += took.peer;
    }
    const events = turns * eventsPerTurn;
    return { ours: (events / ms.ours) * 1000, peer: (events / ms.peer) * 1000, events };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** The name is the event hub's too: checkpoints and ownership of the partitions are kept under it. */
async function startRunner(name: string, app: string, folder: string, storage: string): Promise<Runner> {
  const appRoot = join(folder, name);
  const log = new EventLog();
  const hub = await startAmqp(log, { port: 0, eventHubName: name, keyName: 'bench', key: 'YmVuY2g=' });
  let sent = 0;
  let handled = 0;
  let waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  const fail = (why: string) => waiting?.reject(new Error(`${app}: ${why}`));
  try {
    const settingsFile = await layOut(appRoot, {
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
    host.ended.then((how) => fail(`its function host ended with ${how}.`));
    return {
      async takeTurn(count) {
        const events = Array.from({ length: count }, (_, index) => twinEvent(sent + index, devices));
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        waiting = { resolve, reject };
        const timer = setTimeout(() => fail(`handled ${handled} of ${sent} events and no more.`), patience);
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

/** Makes the app's folder as it would be deployed, behind a counter, and returns the path of its settings. */
async function layOut(appRoot: string, settings: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(appRoot);
  await copyFile(join(projectRoot(), 'host.json'), join(appRoot, 'host.json'));
  await writeFile(join(appRoot, 'package.json'), JSON.stringify({ main: 'counting-app.mjs' }));
  await bundleChild('counting-app', appRoot);
  return writeSettingsFile(appRoot, settings);
}
