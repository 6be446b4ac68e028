import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAzurite } from '../local/azurite.ts';
import { writeSettingsFile } from '../local/host-environment.ts';
import { startAmqp } from '../local/hub/amqp/index.ts';
import { EventLog } from '../local/hub/event-log.ts';
import { projectRoot } from '../local/project.ts';
import { type ServiceProcess, startServiceProcess } from '../local/service-process.ts';
import { benchEnvironment } from './apart.ts';
import type { Report } from './bench.ts';
import { bundleChild } from './bundle-child.ts';
import { unreachable } from './loaded-app.ts';
import { twinEvent } from './twin-traffic.ts';

/** Events per second, one number a run. */
export interface EndToEndRates {
  readonly ours: readonly number[];
  readonly peer: readonly number[];
  /** Counted in each run, after those that only warm up. */
  readonly events: number;
}

const runs = 7;
const counted = 20_000;
const warmingUp = 5_000;
/** Prime, so that every kind of event comes to every device. */
const devices = 4_999;
/** A run that takes longer than this has come to a halt, in milliseconds. */
const patience = 120_000;

/**
 * Runs both apps in turns on the function host, each time as a new consumer group that reads the same event log from its beginning.
 *
 * @throws Where an app's handler fails or does not come to the end of the events.
 */
export async function measureEndToEnd(
  bundle: string,
  peerBundle: string,
  folder: string,
  report: Report,
): Promise<EndToEndRates> {
  const log = new EventLog();
  for (let number = 0; number < warmingUp + counted; number++) log.append(twinEvent(number, devices));
  const hub = await startAmqp(log, { port: 0, eventHubName: 'bench', keyName: 'bench', key: 'YmVuY2g=' });
  try {
    const azurite = await startAzurite();
    try {
      const settings = {
        ...unreachable,
        EventHubConnection: hub.connectionString,
        AzureWebJobsStorage: azurite.endpoints.connectionString,
      };
      const ours: number[] = [];
      const peer: number[] = [];
      for (let run = 1; run <= runs; run++) {
        report.progress(`end to end, run ${run} of ${runs}`);
        const runOurs = async () => ours.push(await runOnce(bundle, join(folder, `ours-${run}`), settings));
        const runPeer = async () => peer.push(await runOnce(peerBundle, join(folder, `peer-${run}`), settings));
        // Who goes first changes, so that neither gains from what the one before leaves behind.
        for (const one of run % 2 === 0 ? [runPeer, runOurs] : [runOurs, runPeer]) await one();
      }
      return { ours, peer, events: counted };
    } finally {
      await azurite.close();
    }
  } finally {
    await hub.close();
  }
}

/** Events per second by the clock, from the first that counts to the last. */
async function runOnce(app: string, appRoot: string, settings: Readonly<Record<string, string>>): Promise<number> {
  await mkdir(appRoot);
  await copyFile(join(projectRoot(), 'host.json'), join(appRoot, 'host.json'));
  await writeFile(join(appRoot, 'package.json'), JSON.stringify({ main: 'counting-app.mjs' }));
  await bundleChild('counting-app', appRoot);
  const settingsFile = await writeSettingsFile(appRoot, {
    ...settings,
    EVENTHUB_CONSUMER_GROUP: appRoot.replaceAll(/[^\w-]/g, '-').slice(-50),
    BENCH_APP: app,
    BENCH_SKIP: String(warmingUp),
    BENCH_COUNT: String(counted),
  });
  const { promise: rate, resolve, reject } = Promise.withResolvers<number>();
  // It may be over before anybody waits for it.
  rate.catch(() => {});
  const timer = setTimeout(
    () => reject(new Error(`${app} did not handle ${counted} events in ${patience / 1000} s.`)),
    patience,
  );
  let host: ServiceProcess<unknown> | undefined;
  try {
    host = await startServiceProcess({
      name: 'The function host',
      script: join(projectRoot(), 'dist/local/host.js'),
      options: { appRoot, settingsFile },
      environment: benchEnvironment(process.env),
      onLine(line) {
        const ms = /^bench: handled in ([\d.]+) ms$/.exec(line)?.[1];
        if (ms !== undefined) resolve((counted / Number(ms)) * 1000);
        else if (/^\S+ (error|critical) /.test(line)) reject(new Error(`${app}: ${line}`));
      },
    });
    host.ended.then((how) => reject(new Error(`The function host ended with ${how} before all events were handled.`)));
    return await rate;
  } finally {
    clearTimeout(timer);
    await host?.close();
  }
}
