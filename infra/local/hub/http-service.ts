/**
 * The hub's HTTPS endpoint: authentication, then whatever stands before the operations, then the operation itself; and a count of
 * every call.
 */
import { createServer } from 'node:https';
import type { CallClass, CallCounter } from './calls.ts';
import { type Answer, errorAnswer, NoAnswer, type ReceivedRequest, requestListener } from './http-edge.ts';
import { type Listening, listen } from './listen.ts';
import { checkApiVersion, route, type Stores } from './routes.ts';
import { authorize, type SasPolicy } from './sas.ts';

/** A call that has been authenticated and recognised, and not yet carried out. */
export interface Call {
  readonly request: ReceivedRequest;
  readonly callClass: CallClass;
  /** The shared access policy that signed it. */
  readonly policy: string;
}

/**
 * Stands between a call and its operation: may answer in its place, delay it, or change its answer once `next` has carried it out;
 * with a `NoAnswer` thrown, the connection breaks. Throttles and faults are these.
 */
export type Middleware = (call: Call, next: () => Promise<Answer>) => Promise<Answer>;

export interface HttpServiceOptions {
  /** 0 picks a free port. */
  readonly port: number;
  readonly tls: { readonly key: string; readonly cert: string };
  readonly policies: readonly SasPolicy[];
  readonly stores: Stores;
  readonly calls: CallCounter;
  /** The first is the outermost. */
  readonly before?: readonly Middleware[];
}

/** Starts the endpoint on 127.0.0.1. Rejects if the port is taken. */
export async function startHttpService(options: HttpServiceOptions): Promise<Listening> {
  const { tls, policies, stores, calls, before = [] } = options;
  let resources: readonly string[] = ['localhost'];
  const respond = async (request: ReceivedRequest): Promise<Answer> => {
    const { callClass, run } = route(request, stores);
    let policy: string | undefined;
    let answer: Answer;
    try {
      const signer = authorize(request.header('authorization'), { policies, resources });
      policy = signer;
      checkApiVersion(request);
      const call: Call = { request, callClass, policy: signer };
      const operation = async (): Promise<Answer> => {
        try {
          return run();
        } catch (error) {
          return errorAnswer(error);
        }
      };
      answer = await before.reduceRight<() => Promise<Answer>>(
        (next, middleware) => () => middleware(call, next),
        operation,
      )();
    } catch (error) {
      if (error instanceof NoAnswer) {
        calls.record(callClass, 'dropped', policy);
        throw error;
      }
      answer = errorAnswer(error);
    }
    calls.record(callClass, answer.status, policy);
    return answer;
  };
  const server = createServer({ ...tls, keepAliveTimeout: 65_000 }, requestListener(respond));
  const listening = await listen(server, options.port, 'httpsPort');
  resources = ['localhost', `localhost:${listening.port}`];
  return listening;
}
