import type { ClientRequest } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { currentCall } from './deadline.ts';

/**
 * A method of an HTTPS agent that Node.js calls for each request, but does not declare in its types. The package `agent-base` uses it too.
 */
interface AddsRequests {
  addRequest(request: ClientRequest, options: unknown): void;
}

/**
 * An HTTPS agent that enforces the time limits of a call to the hub. When a limit is reached, the request fails and its socket is closed.
 * An agent of Node.js alone would only emit the event `timeout`.
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
    const end = () => request.destroy(call?.signal.reason as Error);
    // The SDK waits for a token before it makes the request. A deadline that has passed by then has no event any more.
    if (call?.signal.aborted) end();
    else call?.signal.addEventListener('abort', end, { once: true });
    if (call?.timeouts.idleTimeout !== undefined) request.setTimeout(call.timeouts.idleTimeout);
    (Agent.prototype as unknown as AddsRequests).addRequest.call(this, request, options);
  }
}
