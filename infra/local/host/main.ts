/** The process of the function host. `argv[2]` holds its options as JSON, as `runService` describes. */
import { runService } from '../service-child.ts';
import { startFunctionHost } from './index.ts';

await runService(startFunctionHost);
// An app that failed to load may have left timers or sockets behind.
if (process.exitCode) setTimeout(() => process.exit(), 500).unref();
