/** The file of `--endpoints`. Programs and tests read it to find the local system. */
import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** The addresses and keys of the local system, as the file holds them. */
export interface SystemEndpoints {
  /** Grants every right on the local hub. `caFile` holds the certificate authority to trust. */
  readonly iotHubConnectionString: string;
  readonly eventHubConnectionString: string;
  readonly eventHubName: string;
  readonly storageConnectionString: string;
  /** The base address of the functions, without the route prefix `/api` and without a slash at the end. */
  readonly functionsUrl: string;
  /** Opens the endpoints that only read, as the header `x-functions-key` or the query's `code`. Does not change while the system runs. */
  readonly functionKey: string;
  /** Opens all endpoints, also those that change something. */
  readonly masterKey: string;
  /** The path of the local hub's certificate authority, in PEM. */
  readonly caFile: string;
  readonly controlUrl: string;
  /** The blast radius of the app: values that a policy may overwrite in an hour. */
  readonly maxOverwritesPerHour: number;
}

/** Throws one line when the file's folder does not exist. Called before anything is started. */
export function checkEndpointsFile(file: string): void {
  if (!existsSync(dirname(resolve(file)))) {
    throw new Error(
      `--endpoints ${file}: there is no folder ${dirname(resolve(file))}. Make it, or choose another file.`,
    );
  }
}

/** Writes the file in one step, readable by its owner only. The returned function removes the file. */
export async function writeEndpointsFile(file: string, endpoints: SystemEndpoints): Promise<() => Promise<void>> {
  const path = resolve(file);
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify(endpoints, undefined, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, path);
  return () => rm(path, { force: true });
}
