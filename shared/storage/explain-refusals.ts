import { explainStorageError } from '../identity/index.ts';
import type { StorageAccount } from './storage-account.ts';

type Explain = (error: unknown) => unknown;

/**
 * Returns a client of a storage SDK whose methods say what is missing when the account refuses the caller. A role can be taken away while the
 * client is in use, so each call is explained, and not only the first one. Other errors stay as they are. Clients that the client creates
 * are not explained.
 *
 * The requests of the three SDKs have no common place for this: a table transaction throws after its request has ended, and the pipeline of
 * queues and blobs takes no policy together with a connection string.
 */
export function explainRefusals<T extends { readonly url: string }>(
  client: T,
  account: StorageAccount,
  service: 'table' | 'queue' | 'blob',
): T {
  const identity = 'connectionString' in account ? 'key' : account.identity;
  return explained(client, (error) => explainStorageError(error, identity, service, new URL(client.url).host));
}

/** Explains the rejections of all methods of an object: of promises, and of the promises of asynchronous iterators. */
function explained<T extends object>(object: T, explain: Explain): T {
  return new Proxy(object, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...parameters: readonly unknown[]) => explainedResult(member.apply(target, parameters), explain);
    },
  });
}

function explainedResult(result: unknown, explain: Explain): unknown {
  if (result instanceof Promise) {
    return result.catch((error: unknown) => {
      throw explain(error);
    });
  }
  const isIterator = typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
  return isIterator ? explained(result, explain) : result;
}
