/** Wrappers around a hub client. With them, a test changes or observes single hub calls. */
import type { Answer, Hub, QueryPage } from '../../shared/hub/index.ts';

type HubCall = Exclude<keyof Hub, 'name' | 'lane' | 'waitFor'>;

/** Returns the result of a hub call, which then does not reach the hub. Returns `undefined` where the call must reach the hub. */
export type Interception = (call: HubCall, args: readonly unknown[]) => Promise<unknown> | undefined;

/** Wraps a hub client. `intercept` receives each call, with any priority, before the hub does. */
export function intercepted(hub: Hub, intercept: Interception): Hub {
  return new Proxy(hub, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (key === 'lane') {
        return (...args: Parameters<Hub['lane']>) => intercepted(target.lane(...args), intercept);
      }
      if (typeof value !== 'function' || key === 'waitFor') return value;
      return (...args: unknown[]) => intercept(key as HubCall, args) ?? Reflect.apply(value, target, args);
    },
  });
}

/**
 * Wraps a hub client. `act` is called before each page of a query for which `when` returns true. If `act` returns an answer, the query gets
 * this answer instead of the hub's.
 */
export function atQueries(
  hub: Hub,
  when: (query: string, continuation: string | undefined) => boolean,
  act: (query: string) => Answer<QueryPage> | undefined | Promise<Answer<QueryPage> | undefined>,
): Hub {
  const answer = async (query: string, continuation: string | undefined) =>
    (await act(query)) ?? hub.queryPage(query, continuation);
  return intercepted(hub, (call, args) => {
    const [query, continuation] = args as [string, string | undefined];
    return call === 'queryPage' && when(query, continuation) ? answer(query, continuation) : undefined;
  });
}

/** Wraps a hub client. Each page of query results has at most `size` results. */
export function inPagesOf(size: number, hub: Hub): Hub {
  const cut = async (query: string, continuation: string | undefined): Promise<Answer<QueryPage>> => {
    if (query.includes('COUNT()')) return hub.queryPage(query);
    const all = await hub.queryPage(query);
    if (!all.ok) return all;
    const from = Number(continuation ?? 0);
    const next = from + size;
    const items = all.value.items.slice(from, next);
    return { ok: true, value: { items, ...(next < all.value.items.length ? { continuation: String(next) } : {}) } };
  };
  return intercepted(hub, (call, args) =>
    call === 'queryPage' ? cut(args[0] as string, args[1] as string | undefined) : undefined,
  );
}
