/**
 * Counts the scripts that V8 compiles with code of a package. The debugger reports every script that is compiled, and the source map of a
 * script names the files that are in it.
 */
import { readFileSync } from 'node:fs';
import { type Debugger, Session } from 'node:inspector';
import { givenOptions, sendResult } from '../child-process.ts';
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
  if (sourcesOf(params).some((source) => source.includes(`node_modules/${name}/`))) count++;
});
session.post('Debugger.enable');

const app = await loadApp(file);
// What the app might load by itself once it stands.
await new Promise((resolve) => setImmediate(resolve));
const afterLoad = count;
// It asks the hub for its number of devices. That there is no hub comes after the SDK was needed.
await app.handle('health', { query: new URLSearchParams() });
sendResult({ afterLoad, afterHubCall: count } satisfies ScriptCount);

function sourcesOf({ url, sourceMapURL = '' }: Debugger.ScriptParsedEventDataType): readonly string[] {
  if (!url.startsWith('file:') || sourceMapURL === '') return [url];
  const map = JSON.parse(readFileSync(new URL(sourceMapURL, url), 'utf8')) as { readonly sources: readonly string[] };
  return map.sources;
}
