import type { Actor } from '../../../shared/actions/index.ts';

/**
 * Who sent a request: an operator who signed in, or somebody with a key of the function app. The platform does not tell which key it was,
 * only what the route required.
 */
export type Caller = Extract<Actor, { readonly type: 'user' | 'key' }>;

/** The caller of a route whose key the Functions host has checked. */
export function keyCaller(authLevel: 'anonymous' | 'function' | 'admin'): Caller {
  return { type: 'key', key: ({ anonymous: 'none', function: 'function', admin: 'master' } as const)[authLevel] };
}

/** A caller in the words of a log line. The result has no secret. */
export function describeCaller(caller: Caller): string {
  if (caller.type === 'user') return `${caller.name} (${caller.id})`;
  return caller.key === 'none' ? 'somebody without a key' : `the holder of a ${caller.key} key`;
}
