/**
 * Seals: for each whole UTC day, what happened on it, in compressed files, with a manifest that has the hashes of the files and of the manifest
 * before. The manifests are a chain. The tables can be changed by whoever may write them; the seals then show it.
 *
 * @module
 */
export { listSeals } from './list-seals.ts';
export { openSealer, type Sealer } from './sealer.ts';
export { type SealFault, type Verified, verifyAccount } from './verify/index.ts';
