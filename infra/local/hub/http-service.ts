/**
 * The hub's HTTPS endpoint. It authenticates each call, runs the middleware (faults and throttles), runs the operation, and counts the
 * call.
 */
import { createServer } from 'node:https';
import type { Authenticator } from './authenticator.ts';
import type { CallClass, CallCounter } from './calls.ts';
import { type Answer, errorAnswer, NoAnswer, type ReceivedRequest, requestListener } from './http-listener.ts';
import { listen, type RunningServer } from './listen.ts';
import { operationsOf } from './operations.ts';
import { checkApiVersion, route, type Stores } from './routes.ts';

/** A call from a known caller, whose operation has not run yet. */
export interface Call {
  readonly request: ReceivedRequest;
  readonly callClass: CallClass;
  /** The name of the shared access policy or of the identity that sent the call. */
  readonly caller: string;
}

/** Runs the next middleware, or the operation after the last one. With `request`, runs it with this request in place of the call's own. */
type Next = (request?: ReceivedRequest) => Promise<Answer>;

/**
 * A function between the authentication of a call and the call's operation. A middleware can answer without the operation, delay the
 * operation, change its request, or change the answer. If a middleware throws a `NoAnswer`, the connection breaks.
 */
export type Middleware = (call: Call, next: Next) => Promise<Answer>;

export interface HttpServiceOptions {
  /** The port to listen on. 0 picks a free port. */
  readonly port: number;
  /** The loopback address to listen on. */
  readonly address: string;
  /** The host name that the certificate names. Shared access signatures must be for this name. */
  readonly hostName: string;
  readonly tls: { readonly key: string; readonly cert: string };
  readonly authenticator: Authenticator;
  readonly stores: Stores;
  readonly calls: CallCounter;
  /** The middleware, in the order in which it receives a call. */
  readonly middleware?: readonly Middleware[];
}

/** Starts the HTTPS endpoint. Rejects if the port is in use. */
export async function startHttpService(options: HttpServiceOptions): Promise<RunningServer> {
  const { address, tls, authenticator, stores, calls, middleware = [] } = options;
  const hostName = options.hostName.toLowerCase();
  let resources: readonly string[] = [hostName];
  const respond = async (request: ReceivedRequest): Promise<Answer> => {
    const { callClass, access } = route(request, stores);
    const cost = (messages = 0) => ({ operations: operationsOf({ callClass, request }), messages });
    let name: string | undefined;
    let answer: Answer;
    try {
      const caller = await authenticator.authenticate(request.header('authorization'), resources);
      name = caller.name;
      checkApiVersion(request);
      if (access !== undefined) {
        caller.authorize(access, request);
        calls.recordUse(caller.name, access.dataActions);
      }
      const operation: Next = async (actual = request) => {
        try {
          return route(actual, stores).run();
        } catch (error) {
          return errorAnswer(error);
        }
      };
      const chain = middleware.reduceRight<Next>(
        (next, each) =>
          (actual = request) =>
            each({ request: actual, callClass, caller: caller.name }, (changed = actual) => next(changed)),
        operation,
      );
      answer = await chain();
    } catch (error) {
      if (error instanceof NoAnswer) {
        calls.record(callClass, 'dropped', name, cost());
        throw error;
      }
      answer = errorAnswer(error);
    }
    calls.record(callClass, answer.status, name, cost(answer.messages));
    return answer;
  };
  const server = createServer(tls, requestListener(respond));
  const listening = await listen(server, options.port, 'httpsPort', address);
  resources = [hostName, `${hostName}:${listening.port}`];
  return listening;
}
