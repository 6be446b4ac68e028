/**
 * The child's side of a service of the local system. The parent forks the service with its options as JSON in `argv[2]`. The service sends
 * one message over IPC: `{ ready }` with its endpoints, or `{ failed }` with one line for a person. The service ends on SIGTERM, on SIGINT
 * and when its parent has ended.
 */

/** A service that has started. */
export interface Service<Endpoints> {
  readonly endpoints: Endpoints;
  close(): Promise<void>;
}

export type ServiceMessage<Endpoints> = { readonly ready: Endpoints } | { readonly failed: string };

/** The main function of a service process: starts the service, reports to the parent, and closes the service when it is told to end. */
export async function runService<Options, Endpoints>(
  start: (options: Options) => Promise<Service<Endpoints>>,
): Promise<void> {
  const report = (message: ServiceMessage<Endpoints>) =>
    process.send?.(message) ?? console.log(JSON.stringify(message));
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
