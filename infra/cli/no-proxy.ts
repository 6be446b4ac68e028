/** Names of this machine. A proxy would take them for its own machine. */
const thisMachine = ['localhost', '127.0.0.1'];

/** Adds this machine to the hosts that bypass the proxy, for this process and the processes that it starts. */
export function bypassProxyForThisMachine(environment: NodeJS.ProcessEnv): void {
  const listed = (environment.NO_PROXY ?? environment.no_proxy ?? '').split(',');
  const list = [...new Set([...listed.map((host) => host.trim()), ...thisMachine])].filter((host) => host !== '');
  environment.NO_PROXY = list.join(',');
  environment.no_proxy = environment.NO_PROXY;
}
