/** Never through a proxy, which would look for it on its own machine. */
const thisMachine = ['localhost', '127.0.0.1'];

/** Adds this machine to what must not go through the proxy that an environment names, for this process and those that it starts. */
export function bypassProxyForThisMachine(environment: NodeJS.ProcessEnv): void {
  const listed = (environment.NO_PROXY ?? environment.no_proxy ?? '').split(',');
  const list = [...new Set([...listed.map((host) => host.trim()), ...thisMachine])].filter((host) => host !== '');
  environment.NO_PROXY = list.join(',');
  environment.no_proxy = environment.NO_PROXY;
}
