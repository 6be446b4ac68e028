import { type ListenOptions, Server } from 'node:net';

const loopback = '127.0.0.1';

/**
 * Makes servers of this process listen on loopback unless they ask for an address. The programming model streams HTTP through a server
 * that listens on all addresses. In Azure nobody can reach that server; on an office machine everybody could. The returned function
 * restores the old behaviour.
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
