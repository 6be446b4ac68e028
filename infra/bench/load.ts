import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import { functionAppFolder, projectRoot } from '../local/project.ts';
import type { Bench, Report } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { bundleChild } from './bundle-child.ts';
import type { ScriptCount } from './children/count-scripts.ts';
import { unreachable } from './loaded-app.ts';
import { measureInChild } from './measure-in-child.ts';
import { bundlePeer, emptyHttpApp } from './peer-app.ts';
import { median, range } from './statistics.ts';

/** Number of times that each app is loaded. The first time only warms the cache of files and is not counted. */
const loads = 31;

/**
 * Measures the start of the app: the time to load the app, the size of its code, and the scripts that V8 compiles before the first hub
 * call.
 */
export const load: Bench = {
  name: 'load',
  description:
    'time to load the function app, its size, and the scripts of azure-iothub that are compiled before the first hub call',
  async run(report) {
    const app = functionAppFolder(projectRoot());
    const bundle = join(app, 'main.cjs');
    await inBenchFolder(async (folder) => {
      await measureTime(bundle, folder, report);
      await measureSize(app, report);
      await countScripts(bundle, folder, report);
    });
  },
};

async function measureTime(bundle: string, folder: string, report: Report): Promise<void> {
  const peerBundle = await bundlePeer(emptyHttpApp, folder, 'empty-http');
  const child = await bundleChild('load-time', folder);
  report.progress(`loading each app ${loads} times`);
  const loadOnce = (file: string) => measureInChild<number>({ child, options: { file }, settings: unreachable });
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
    note: `beside an app with one empty HTTP function, bundled the same way; medians of ${loads - 1} fresh processes each, in turns (fastest: ${fastest.toFixed(1)} and ${fastestPeer.toFixed(1)} ms). The rest of the app loads with the first event or request that needs it.`,
  });
}

async function measureSize(app: string, report: Report): Promise<void> {
  const files: Zippable = {};
  let code = 0;
  for (const entry of await readdir(app, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith('.map')) continue;
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path);
    files[path.slice(app.length + 1)] = content;
    if (entry.name.endsWith('.cjs')) code += content.length;
  }
  report.measured({
    case: 'code',
    ours: code / 1e6,
    peer: 5,
    unit: 'MB',
    target: { atMost: 1 },
    note: 'main.cjs and chunks/ of dist/function-app; the peer is the limit.',
  });
  report.measured({
    case: 'zip',
    ours: zipSync(files, { level: 9 }).length / 1e6,
    peer: 2,
    unit: 'MB',
    target: { atMost: 1 },
    note: 'dist/function-app without source maps, zipped (fflate, level 9); the peer is the limit.',
  });
}

async function countScripts(bundle: string, folder: string, report: Report): Promise<void> {
  const { afterLoad, afterHubCall } = await measureInChild<ScriptCount>({
    child: await bundleChild('count-scripts', folder),
    options: { file: bundle, name: 'azure-iothub' },
    settings: unreachable,
  });
  if (afterHubCall === 0) {
    throw new Error(
      'A hub call compiled no script of azure-iothub, so the count before the call proves nothing: does the app still call the hub, and do its chunks have source maps?',
    );
  }
  report.measured({
    case: 'azure-iothub',
    ours: afterLoad,
    peer: 0,
    unit: 'scripts',
    target: { atMost: 1 },
    note: `scripts with code of azure-iothub that V8 had compiled when the app was loaded; after a first hub call there were ${afterHubCall}.`,
  });
}
