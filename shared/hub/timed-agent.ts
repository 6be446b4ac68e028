import type { ClientRequest } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { currentCall } from './deadline.ts';

/** Called by Node for each request, though its types leave it out: other agents (`agent-base`) stand on it, too. */
interface AddsRequests {
  addRequest(request: ClientRequest, options: unknown): void;
}

/** Ends a request whose time is over, so that its call fails and its socket is freed: Node itself only announces a socket's silence. */
export class TimedAgent extends Agent {
  override createConnection(
    options: AgentOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = super.createConnection(options, callback);
    socket?.on('timeout', () => {
      socket.destroy(Object.assign(new Error('IoT Hub did not answer in time.'), { code: 'ETIMEDOUT' }));
    });
    return socket;
  }

  addRequest(request: ClientRequest, options: unknown): void {
    const call = currentCall();
    call?.signal.addEventListener('abort', () => request.destroy(call.signal.reason as Error), { once: true });
    if (call?.patience.idleTimeout !== undefined) request.setTimeout(call.patience.idleTimeout);
    (Agent.prototype as unknown as AddsRequests).addRequest.call(this, request, options);
  }
}
