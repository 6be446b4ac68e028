import type { TransactionAction } from '@azure/data-tables';

/** Maximum number of operations in one transaction. Source: "Performing entity group transactions", Table Storage. */
export const operationsPerTransaction = 100;

/** Maximum bytes of the operations in one transaction, by {@link operationBytes}. Table Storage allows 4 MiB. */
export const bytesPerTransaction = 3_000_000;

/** Bytes of an operation besides its entity: the headers, and the address with both keys. Each key has at most 1 KiB. */
const bytesOfHeaders = 3_000;

/**
 * An upper bound of the bytes that an operation adds to a transaction. Table Storage receives text in UTF-8, with up to three bytes for a
 * UTF-16 unit, and stores text in UTF-16. The documentation does not say which of the two the limit of 4 MiB counts, so the larger one
 * counts here.
 */
export function operationBytes([type, entity]: TransactionAction): number {
  if (type === 'delete') return bytesOfHeaders;
  const text = JSON.stringify(entity);
  return bytesOfHeaders + Math.max(2 * text.length, Buffer.byteLength(text));
}
