import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';

/** Node only announces that a socket has been silent for too long; this ends it, so that the call fails and the socket is freed. */
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
}
