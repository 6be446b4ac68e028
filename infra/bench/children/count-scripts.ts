/**
 * Counts the scripts that V8 compiles for a package, packed into the bundle or in `node_modules`. The debugger hears of every script, however
 * it came to be compiled: required, imported, or from text.
 */
import { Session } from 'node:inspector';
import { givenOptions, sendResult } from '../child.ts';
import { loadApp } from '../loaded-app.ts';

/** How many scripts of the package there were. */
export interface ScriptCount {
  readonly afterLoad: number;
  readonly afterHubCall: number;
}

const { file, name } = givenOptions<{ readonly file: string; readonly name: string }>();
const session = new Session();
session.connect();
let count = 0;
session.on('Debugger.scriptParsed', ({ params }) => {
  if (params.url.includes(`node_modules/${name}/`)) count++;
});
session.post('Debugger.enable');

const app = await loadApp(file);
// What the app might load by itself once it stands.
await new Promise((resolve) => setImmediate(resolve));
const afterLoad = count;
// It asks the hub for its number of devices. That there is no hub comes after the SDK was needed.
await app.handle('health', { query: new URLSearchParams() });
sendResult({ afterLoad, afterHubCall: count } satisfies ScriptCount);
