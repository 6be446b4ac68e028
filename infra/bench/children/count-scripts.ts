/**
 * Counts the scripts with code of one npm package that V8 compiles. The debugger reports each compiled script. The source map of a script
 * lists the source files in the script.
 */
import { readFileSync } from 'node:fs';
import { type Debugger, Session } from 'node:inspector';
import { givenOptions, sendResult } from '../child-process.ts';
import { loadApp } from '../loaded-app.ts';

/** Numbers of compiled scripts with code of the package: when the app is loaded, and after the first call to the hub. */
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
// Waits for modules that the app may import right after its start.
await new Promise((resolve) => setImmediate(resolve));
const afterLoad = count;
// The health function reads the number of devices from the hub. No hub runs, so the call fails, but only after azure-iothub was loaded.
await app.handle('health', { query: new URLSearchParams() });
sendResult({ afterLoad, afterHubCall: count } satisfies ScriptCount);

function sourcesOf({ url, sourceMapURL = '' }: Debugger.ScriptParsedEventDataType): readonly string[] {
  if (!url.startsWith('file:') || sourceMapURL === '') return [url];
  const map = JSON.parse(readFileSync(new URL(sourceMapURL, url), 'utf8')) as { readonly sources: readonly string[] };
  return map.sources;
}
