/**
 * One service of the local system as a child process. The parent forks it with its options as JSON in `argv[2]`, and gets one
 * message over IPC: `{ ready }` with the service's endpoints, or `{ failed }` with one line for a person. The child ends on
 * SIGTERM, SIGINT and when the parent is gone, however the parent went.
 */

/** What a service promises once it has started. */
export interface Service<Endpoints> {
  readonly endpoints: Endpoints;
  close(): Promise<void>;
}

export type ServiceMessage<Endpoints> = { readonly ready: Endpoints } | { readonly failed: string };

/** The main function of a service process. */
export async function runService<Options, Endpoints>(
  start: (options: Options) => Promise<Service<Endpoints>>,
): Promise<void> {
  const tell = (message: ServiceMessage<Endpoints>) => process.send?.(message) ?? console.log(JSON.stringify(message));
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
    tell({ ready: service.endpoints });
  } catch (error) {
    tell({ failed: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
    process.disconnect?.();
  }
}
