import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { localAccount } from '../../storage-account.ts';
import { invalid } from '../errors.ts';

/**
 * A container of the local storage, as the job reaches it. A key-based job has only the rights of the signature in the address. In an identity-based
 * job, the managed identity of the hub has all rights on the local storage: Azurite takes tokens only over TLS, so the hub signs in with the
 * documented key of Azurite's accounts.
 *
 * @param uri the address of the container, for example `http://127.0.0.1:10000/ACCOUNT/CONTAINER`
 */
export function openContainer(uri: string, isIdentityBased: boolean): ContainerClient {
  if (!isIdentityBased) return new ContainerClient(uri);
  const { hostname, pathname } = new URL(uri);
  const account = pathname.split('/')[1];
  // Only the local storage gets requests that are signed with its key.
  if (hostname !== '127.0.0.1' && hostname !== 'localhost')
    throw invalid(`The identity of the local hub has rights on the local storage only, and not on ${hostname}`);
  return new ContainerClient(uri, new StorageSharedKeyCredential(account ?? '', localAccount.key));
}
