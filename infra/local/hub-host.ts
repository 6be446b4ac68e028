/** Checks the host name of `--hub-host`, by which Microsoft's SDKs reach the local hub on port 443. */
import { lookup } from 'node:dns/promises';
import { createServer } from 'node:net';

/** The port of IoT Hub's service API. Microsoft's SDKs accept no other port. */
export const hubPort = 443;

/** A host name of the local hub, and the loopback address to which it leads. */
export interface HubHost {
  readonly hostName: string;
  readonly httpsAddress: string;
}

/**
 * Finds the loopback address of a host name, and checks that the local hub can listen there on port 443.
 * @throws An Error whose message is one line and says what to do, when the name leads to no loopback address, or the port is in use or not
 * allowed.
 */
export async function checkHubHost(hostName: string): Promise<HubHost> {
  const found = await lookup(hostName, { all: true }).catch(() => []);
  const httpsAddress = found.find(({ address }) => isLoopback(address))?.address;
  if (httpsAddress === undefined) {
    const [first] = found;
    const leads = first === undefined ? 'leads to no address' : `leads to another machine, ${first.address}`;
    throw new Error(
      `--hub-host ${hostName} ${leads}: use localhost, an address such as 127.0.0.2, or a name that the hosts file leads to 127.0.0.1.`,
    );
  }
  const code = await tryToListen(httpsAddress);
  if (code !== undefined) throw new Error(`--hub-host ${hostName}: ${explain(code, httpsAddress)}`);
  return { hostName, httpsAddress };
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** Returns the error code if nobody can listen on port 443 of the address now. */
function tryToListen(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port: hubPort, host: address }, () => server.close(() => resolve(undefined)));
  });
}

function explain(code: string, address: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `port ${hubPort} of ${address} is in use. Stop the program that listens there, or use another loopback address, such as 127.0.0.2.`;
    case 'EACCES':
      return (
        `this user may not listen on port ${hubPort}. On Linux, allow it to all users with ` +
        `\`sudo sysctl net.ipv4.ip_unprivileged_port_start=${hubPort}\`, or run the command as root.`
      );
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${address}. On macOS, add it with \`sudo ifconfig lo0 alias ${address}\`, or use localhost.`;
    default:
      return `cannot listen on port ${hubPort} of ${address}: ${code}.`;
  }
}
