/**
 * The JSON file that `twinkeeper local --endpoints` writes. Programs and tests read the addresses and keys of the local system from this
 * file.
 */
import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** The addresses and keys of the local system. The endpoints file holds this object. */
export interface SystemEndpoints {
  /** A connection string that may use the whole service API of the local hub. A client must trust the certificate authority in `caFile`. */
  readonly iotHubConnectionString: string;
  readonly eventHubConnectionString: string;
  readonly eventHubName: string;
  readonly storageConnectionString: string;
  /** The base address of the functions. It ends before `/api` and has no slash at the end. */
  readonly functionsUrl: string;
  /**
   * The key for the HTTP endpoints that only read. A request has the key in the header `x-functions-key` or in the query parameter `code`.
   * The key stays the same while the system runs.
   */
  readonly functionKey: string;
  /** The key for all HTTP endpoints, including those that change something. */
  readonly masterKey: string;
  /** The path of a PEM file with the certificate of the local hub's certificate authority. */
  readonly caFile: string;
  readonly controlUrl: string;
  /** The blast radius of the app: the number of twins in which a policy may overwrite or remove something in an hour. */
  readonly blastRadius: number;
}

/**
 * Checks that the folder of the endpoints file exists. Called before any service starts.
 * @throws An Error whose message is one line, when the folder does not exist.
 */
export function checkEndpointsFile(file: string): void {
  if (!existsSync(dirname(resolve(file)))) {
    throw new Error(
      `--endpoints ${file}: there is no folder ${dirname(resolve(file))}. Make it, or choose another file.`,
    );
  }
}

/**
 * Writes the endpoints file. Other programs never see a half-written file, and only its owner can read it. The returned function removes
 * the file.
 */
export async function writeEndpointsFile(file: string, endpoints: SystemEndpoints): Promise<() => Promise<void>> {
  const path = resolve(file);
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify(endpoints, undefined, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, path);
  return () => rm(path, { force: true });
}
