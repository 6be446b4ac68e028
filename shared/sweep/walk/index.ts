/**
 * Reads all twins of a policy. A walk does so for a policy that queries cannot express. A full look does so for all other policies, and
 * compares the twins with what the queries returned. Both cost much of the hub's daily message quota, so each sweep reads only a slice. Both
 * read the twins through one function, `twinPages`.
 *
 * @module
 */
export { fullLook } from './full-look.ts';
export { walk } from './walk.ts';
