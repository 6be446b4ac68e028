import type { CallClass } from './calls.ts';
import type { ReceivedRequest } from './http-listener.ts';

/**
 * The number of operations of a call: the number of entries of a bulk call, and 1 for any other call. A bulk call whose body is not a list counts
 * as 1, because the operation will refuse the call.
 */
export function operationsOf({
  callClass,
  request,
}: {
  readonly callClass: CallClass;
  readonly request: ReceivedRequest;
}): number {
  if (callClass !== 'bulk') return 1;
  try {
    const body = request.json();
    return Array.isArray(body) ? Math.max(1, body.length) : 1;
  } catch {
    return 1;
  }
}
