/**
 * Code that waits: chunks of the bundle that are unpacked and compiled when they are first imported, and then run as modules of the rest
 * of it. Bundled into the app by `bundleApp`, which also writes `waitingChunks`.
 */

/** A chunk that waits. */
interface WaitingChunk {
  /** What stack traces call it. */
  readonly name: string;
  /** A function whose own text holds the chunk, as a comment: `/*`, Base64 of what brotli made of CommonJS, and the end of the comment. */
  readonly text: () => void;
}

interface LoadedModule {
  exports: unknown;
}

/** All of them, by the ids under which they are imported. Stands at the end of the bundle. */
declare const waitingChunks: () => Readonly<Record<string, WaitingChunk>>;
declare const require: (id: string) => unknown;

const loaded = new Map<string, LoadedModule>();

/** Gives chunks that wait a part of the code that runs from the start, so that both have the same instance of it. */
export function share(id: string, exports: unknown): void {
  loaded.set(id, { exports });
}

/** The exports of a chunk, which is run when it is first asked for. */
export function load(id: string): unknown {
  const known = loaded.get(id);
  if (known !== undefined) return known.exports;
  const chunk = waitingChunks()[id];
  if (chunk === undefined) return require(id);
  const module: LoadedModule = { exports: {} };
  // First, because chunks may import each other.
  loaded.set(id, module);
  try {
    compile(chunk)(module, module.exports, load);
  } catch (error) {
    loaded.delete(id);
    throw error;
  }
  return module.exports;
}

type Run = (module: LoadedModule, exports: unknown, require: (id: string) => unknown) => void;

function compile({ name, text }: WaitingChunk): Run {
  // Asked for here, because an app that starts has no need of them.
  const { compileFunction } = process.getBuiltinModule('node:vm');
  const { brotliDecompressSync } = process.getBuiltinModule('node:zlib');
  const own = text.toString();
  const packed = own.slice(own.indexOf('/*') + 2, own.lastIndexOf('*/'));
  const code = brotliDecompressSync(Buffer.from(packed, 'base64')).toString();
  return compileFunction(code, ['module', 'exports', 'require'], { filename: name }) as Run;
}
