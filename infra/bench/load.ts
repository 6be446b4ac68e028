import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../local/project.ts';
import { measureApart } from './apart.ts';
import type { Bench, Report } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { bundleChild } from './bundle-child.ts';
import type { ScriptCount } from './children/count-scripts.ts';
import { unreachable } from './loaded-app.ts';
import { bundlePeer, emptyHttpApp } from './peer-app.ts';
import { median, range } from './statistics.ts';

/** Loads of each app. The first of each only warms the file cache. */
const loads = 31;

/** What an instance goes through before its first function can run. */
export const load: Bench = {
  name: 'load',
  description: 'time to load the bundle, its size, and what of azure-iothub is compiled before the first hub call',
  async run(report) {
    const bundle = join(projectRoot(), 'dist/main.cjs');
    await inBenchFolder(async (folder) => {
      await measureTime(bundle, folder, report);
      measureSize((await stat(bundle)).size, report);
      await countScripts(bundle, folder, report);
    });
  },
};

async function measureTime(bundle: string, folder: string, report: Report): Promise<void> {
  const peerBundle = await bundlePeer(emptyHttpApp, folder, 'empty-http');
  const child = await bundleChild('load-time', folder);
  report.progress(`loading each app ${loads} times`);
  const loadOnce = (file: string) => measureApart<number>({ child, options: { file }, settings: unreachable });
  const ours: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < loads; round++) {
    ours.push(await loadOnce(bundle));
    peer.push(await loadOnce(peerBundle));
  }
  const [fastest, fastestPeer] = [range(ours).min, range(peer).min];
  report.measured({
    case: 'time',
    ours: median(ours.slice(1)),
    peer: median(peer.slice(1)),
    unit: 'ms',
    target: { atMost: 3 },
    note: `beside an app with one empty HTTP function, bundled alike; medians of ${loads - 1} fresh processes each, in turns (fastest: ${fastest.toFixed(1)} and ${fastestPeer.toFixed(1)} ms). What mends, sweeps and answers is loaded later, with the first event or request that needs it.`,
  });
}

function measureSize(bytes: number, report: Report): void {
  report.measured({
    case: 'bundle',
    ours: bytes / 1e6,
    peer: 5,
    unit: 'MB',
    target: { atMost: 1 },
    note: 'dist/main.cjs, all there is to deploy beside host.json and package.json; the peer is the limit.',
  });
}

async function countScripts(bundle: string, folder: string, report: Report): Promise<void> {
  const { afterLoad, afterHubCall } = await measureApart<ScriptCount>({
    child: await bundleChild('count-scripts', folder),
    options: { file: bundle, name: 'azure-iothub' },
    settings: unreachable,
  });
  if (afterHubCall === 0) {
    throw new Error(
      'No script of azure-iothub was compiled even by a hub call, so that none before it means nothing: does the SDK still wait as a chunk of its own (infra/app-bundle.ts)?',
    );
  }
  report.measured({
    case: 'azure-iothub',
    ours: afterLoad,
    peer: 0,
    unit: 'scripts',
    target: { atMost: 1 },
    note: `scripts of azure-iothub that V8 had compiled when the app was loaded; after a first hub call there were ${afterHubCall}.`,
  });
}
