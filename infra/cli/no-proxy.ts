/** Host names of this machine. A proxy would send requests for these names to the machine of the proxy. */
const thisMachine = ['localhost', '127.0.0.1'];

/**
 * Adds the names of this machine to `NO_PROXY`, the list of hosts that are called without a proxy. Applies to this process and to the
 * processes that it starts.
 */
export function bypassProxyForThisMachine(environment: NodeJS.ProcessEnv): void {
  const listed = (environment.NO_PROXY ?? environment.no_proxy ?? '').split(',');
  const list = [...new Set([...listed.map((host) => host.trim()), ...thisMachine])].filter((host) => host !== '');
  environment.NO_PROXY = list.join(',');
  environment.no_proxy = environment.NO_PROXY;
}
