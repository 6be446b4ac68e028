/** The file that tells other programs where the local system is. */

import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Where the local system is, for programs and tests that use it. */
export interface SystemEndpoints {
  /** With every right on the local hub, for port and certificate see `caFile`. */
  readonly iotHubConnectionString: string;
  readonly eventHubConnectionString: string;
  readonly eventHubName: string;
  readonly storageConnectionString: string;
  /** Without a slash at its end, and without the route prefix `/api`. */
  readonly functionsUrl: string;
  /** Opens what only reads, as the header `x-functions-key` or the query's `code`. The same as long as the system runs. */
  readonly functionKey: string;
  /** Opens what changes something as well. */
  readonly masterKey: string;
  /** The certificate authority of the local hub, in PEM. */
  readonly caFile: string;
  readonly controlUrl: string;
}

/** Throws one line unless the file can be written: better before everything has started than after. */
export function checkEndpointsFile(file: string): void {
  if (!existsSync(dirname(resolve(file)))) {
    throw new Error(
      `--endpoints ${file}: there is no folder ${dirname(resolve(file))}. Make it, or choose another file.`,
    );
  }
}

/** Writes the endpoints, all at once, readable by their owner only. The returned function removes the file. */
export async function writeEndpointsFile(file: string, endpoints: SystemEndpoints): Promise<() => Promise<void>> {
  const path = resolve(file);
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify(endpoints, undefined, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, path);
  return () => rm(path, { force: true });
}
