/**
 * This file provides the module `@azure/functions-core`. The library `@azure/functions` uses that module to communicate with the runtime's
 * Node worker. No package registry has the module: the Node worker intercepts `require('@azure/functions-core')`, and so does this file.
 * The types follow the worker's package `types-core` (https://github.com/Azure/azure-functions-nodejs-worker).
 */
import Module from 'node:module';
import type { Log, LogLevel } from './log.ts';

/** A value that the runtime and the Node worker exchange. Exactly one field is set. For the value null, no field is set. */
export interface RpcTypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly int?: number;
  readonly double?: number;
  readonly http?: RpcHttpData;
  readonly collectionString?: { readonly string: readonly string[] };
  readonly collectionSint64?: { readonly sint64: readonly number[] };
}

export interface RpcHttpData {
  readonly method?: string;
  readonly url?: string;
  readonly nullableHeaders?: Readonly<Record<string, { readonly value: string }>>;
  readonly nullableQuery?: Readonly<Record<string, { readonly value: string }>>;
  readonly nullableParams?: Readonly<Record<string, { readonly value: string }>>;
  readonly body?: RpcTypedData;
  readonly statusCode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly RpcHttpCookie[];
}

export interface RpcHttpCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: { readonly value: string };
  readonly path?: { readonly value: string };
  readonly expires?: { readonly value: { readonly seconds: number } };
  readonly secure?: { readonly value: boolean };
  readonly httpOnly?: { readonly value: boolean };
  readonly sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone';
  readonly maxAge?: { readonly value: number };
}

/** One binding of a function: the direction and the type of the binding, and the options of this type. */
export interface Binding {
  readonly type: string;
  readonly direction: 'in' | 'out';
  readonly [option: string]: unknown;
}

export interface RetryOptions {
  readonly retryStrategy: 'fixedDelay' | 'exponentialBackoff';
  readonly maxRetryCount: number;
  readonly delayInterval?: { readonly seconds: number };
  readonly minimumInterval?: { readonly seconds: number };
  readonly maximumInterval?: { readonly seconds: number };
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly retryOptions?: RetryOptions;
}

export type FunctionCallback = (...args: unknown[]) => unknown;

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

export interface RpcInvocationRequest {
  readonly invocationId: string;
  readonly functionId: string;
  readonly inputData: readonly { readonly name: string; readonly data: RpcTypedData }[];
  readonly triggerMetadata: Readonly<Record<string, RpcTypedData>>;
  readonly retryContext?: RpcRetryContext;
}

export interface RpcRetryContext {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  /** The error of the attempt before. Absent in the first attempt. */
  readonly exception?: { readonly source: string; readonly stackTrace: string; readonly message: string };
}

export interface RpcInvocationResponse {
  readonly outputData?: readonly { readonly name: string; readonly data: RpcTypedData }[];
  readonly returnValue?: RpcTypedData | null;
}

export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: RpcInvocationRequest;
  readonly metadata: FunctionMetadata;
  state: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  log(level: LogLevel, category: 'user' | 'system', message: string): void;
}

interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<RpcInvocationResponse>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel | Promise<InvocationModel>;
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];
export type HookCallback = (context: object) => unknown;

/** The functions and hooks that an app has registered, and the app's programming model. */
export interface App {
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  readonly programmingModel: ProgrammingModel | undefined;
  readonly hooks: Readonly<Record<HookName, readonly HookCallback[]>>;
  readonly appHookData: Record<string, unknown>;
  /** Marks the start of the app as finished. From then on, registering a function throws an Error. */
  started(): void;
}

class Disposable {
  readonly #callOnDispose: () => void;
  constructor(callOnDispose: () => void) {
    this.#callOnDispose = callOnDispose;
  }
  static from(...disposables: readonly { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }
  dispose(): void {
    this.#callOnDispose();
  }
}

/**
 * The library `@azure/functions` checks both versions. For example, log hooks need host 4.34 or later. Worker 3.12.0 belongs to host
 * 4.1046.0.
 */
const hostVersion = '4.1046.0';
const workerVersion = '3.12.0';

/**
 * Makes `require('@azure/functions-core')` work in this process. The returned `App` is empty until the app's code loads and registers its
 * functions and hooks.
 */
export function installCoreApi(log: Log): App {
  const functions = new Map<string, RegisteredFunction>();
  const hooks: Record<HookName, HookCallback[]> = {
    appStart: [],
    appTerminate: [],
    preInvocation: [],
    postInvocation: [],
    log: [],
  };
  let programmingModel: ProgrammingModel | undefined;
  let hasStarted = false;
  const coreApi = {
    version: workerVersion,
    hostVersion,
    Disposable,
    registerFunction(metadata: FunctionMetadata, callback: FunctionCallback) {
      const { name } = metadata;
      if (hasStarted) throw new Error(`Function "${name}": a function can only be registered during app startup.`);
      if (functions.has(name)) throw new Error(`Function "${name}" is registered twice: give each its own name.`);
      functions.set(name, { metadata, callback });
      return new Disposable(() => functions.delete(name));
    },
    registerHook(hookName: HookName, callback: HookCallback) {
      const registered = hooks[hookName];
      // The library `@azure/functions` expects a RangeError when the host does not support a hook.
      if (registered === undefined)
        throw new RangeError(`There is no hook "${hookName}". The hooks are ${hookNames.join(', ')}.`);
      registered.push(callback);
      return new Disposable(() => registered.splice(registered.indexOf(callback), 1));
    },
    setProgrammingModel(model: ProgrammingModel) {
      programmingModel = model;
    },
    getProgrammingModel: () => programmingModel,
    log: (level: LogLevel, _category: string, message: string) => log(level, 'host', message),
  };
  const original = Module.prototype.require;
  Module.prototype.require = new Proxy(original, {
    apply: (target, thisArgument, args: [string]) =>
      args[0] === '@azure/functions-core' ? coreApi : Reflect.apply(target, thisArgument, args),
  });
  return {
    functions,
    hooks,
    appHookData: {},
    get programmingModel() {
      return programmingModel;
    },
    started() {
      hasStarted = true;
    },
  };
}
