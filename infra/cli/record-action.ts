import { hostname, userInfo } from 'node:os';
import packageJson from '../../package.json' with { type: 'json' };
import {
  type ActionIntent,
  type ActionLog,
  type Actor,
  createActionLog,
  plainText,
} from '../../shared/actions/index.ts';
import type { StorageAccount } from '../../shared/storage/index.ts';

/** Largest length of the names of the user and the host in a record. */
const longestName = 256;

/**
 * Runs an action of the command, and records it in the storage account of the app: who, what, why and the result. See `ActionLog.record`.
 */
export function recordAction<T>(
  account: StorageAccount,
  intent: Omit<ActionIntent, 'by'>,
  act: () => Promise<T>,
  describe: (value: T) => string,
): Promise<T> {
  return openActionLog(account).record({ ...intent, by: commandLineActor() }, act, describe);
}

/** Opens the record of actions in a storage account. */
export function openActionLog(account: StorageAccount): ActionLog {
  return createActionLog(account, { now: () => new Date(), appVersion: packageJson.version });
}

/** The user and the host that run this command. The storage account cannot check them. */
export function commandLineActor(): Actor {
  return { type: 'commandLine', user: plainText(userName(), longestName), host: plainText(hostname(), longestName) };
}

/** The name of the user. In a container, the user of a process often has a number and no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
