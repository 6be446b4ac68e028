import { type ListenOptions, Server } from 'node:net';

const loopback = '127.0.0.1';

/**
 * Changes `listen` for all servers of this process: a server that names no address listens on loopback only. The library `@azure/functions`
 * streams HTTP through a server that listens on all addresses. In Azure nobody else can reach that server. On an office machine, everybody
 * on the network could. The returned function restores the original `listen`.
 */
export function keepToLoopback(): () => void {
  const { listen } = Server.prototype;
  Server.prototype.listen = function (this: Server, ...given: readonly unknown[]): Server {
    const callbacks = given.filter((argument) => typeof argument === 'function');
    const call = (...rest: readonly unknown[]) => Reflect.apply(listen, this, rest) as Server;
    const [first, second] = given;
    if (typeof first === 'object' && first !== null) {
      const options = first as ListenOptions;
      return options.host === undefined && options.port !== undefined
        ? call({ ...options, host: loopback }, ...callbacks)
        : call(...given);
    }
    const isPort = first === undefined || typeof first === 'function' || typeof first === 'number';
    if (!isPort || typeof second === 'string') return call(...given);
    return call({ port: typeof first === 'number' ? first : 0, host: loopback }, ...callbacks);
  } as typeof listen;
  return () => {
    Server.prototype.listen = listen;
  };
}
