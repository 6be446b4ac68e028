/**
 * Runs a service of the local system as a child process. The parent process forks it with the options as JSON in `argv[2]`. The service
 * sends one message to the parent over IPC: `{ ready }` with its endpoints, or `{ failed }` with one line that says why. The service ends
 * on SIGTERM, on SIGINT, and when its parent has ended.
 */

/** A running service. */
export interface Service<Endpoints> {
  readonly endpoints: Endpoints;
  close(): Promise<void>;
}

export type ServiceMessage<Endpoints> = { readonly ready: Endpoints } | { readonly failed: string };

/** Milliseconds that a service may take to close after its parent has ended. Without the parent, the other services end at the same time. */
const patienceAfterParent = 2_000;

/**
 * The main function of a service process. Starts the service and sends `ready` or `failed` to the parent process. Closes the service on
 * SIGTERM, on SIGINT, or when the parent has ended.
 */
export async function runService<Options, Endpoints>(
  start: (options: Options) => Promise<Service<Endpoints>>,
): Promise<void> {
  const report = (message: ServiceMessage<Endpoints>) =>
    process.send?.(message) ?? console.log(JSON.stringify(message));
  if (process.send !== undefined) endSoonAfterParent();
  try {
    const service = await start(JSON.parse(process.argv[2] ?? '{}') as Options);
    let closing = false;
    const stop = () => {
      if (closing) return;
      closing = true;
      service.close().finally(() => process.exit(0));
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
    process.on('disconnect', stop);
    report({ ready: service.endpoints });
  } catch (error) {
    report({ failed: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
    process.disconnect?.();
  }
}

/** Makes this process exit soon after its parent has ended, even if the service is still starting or cannot close. */
function endSoonAfterParent(): void {
  const exitSoon = () => setTimeout(() => process.exit(1), patienceAfterParent).unref();
  // A parent that ended earlier sends no `disconnect`.
  if (process.connected) process.once('disconnect', exitSoon);
  else exitSoon();
}
