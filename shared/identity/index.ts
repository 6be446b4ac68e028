/**
 * The identity with which the app signs in at other services. A service refuses in its own words; this folder says each time the same: which
 * identity tried what, on what, and which role is missing.
 */
export { type AccessCode, type AccessFault, type Attempted, accessFault } from './access-fault.ts';
export { credentialOf, type Identity } from './identity.ts';
export { explainStorageError, StorageAccessError } from './storage-access.ts';
