import type { Output } from '../../local/output.ts';
import type { RunOptions } from '../../local/run-options.ts';

/** Opens the output for a run of `twinkeeper local`: the summary of `--once`, the addresses of `--no-demo`, or the live demo. */
export async function openOutput(options: RunOptions): Promise<Output> {
  if (options.once === true) return (await import('./once-output.ts')).onceOutput(options);
  if (!options.demo) return (await import('./services-output.ts')).servicesOutput();
  return (await import('./demo-output.ts')).demoOutput(options);
}
