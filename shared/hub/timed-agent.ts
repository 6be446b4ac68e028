import type { ClientRequest } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { currentCall } from './deadline.ts';

/** Node calls `addRequest` for each request, but its types do not declare the method. The package `agent-base` relies on it too. */
interface AddsRequests {
  addRequest(request: ClientRequest, options: unknown): void;
}

/**
 * An HTTPS agent that enforces the time limits of a call. At a limit, the request fails and its socket is closed. A plain Node.js agent
 * only emits a `timeout` event.
 */
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
    if (call?.timeouts.idleTimeout !== undefined) request.setTimeout(call.timeouts.idleTimeout);
    (Agent.prototype as unknown as AddsRequests).addRequest.call(this, request, options);
  }
}
