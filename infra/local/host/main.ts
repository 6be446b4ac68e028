/** The function host as a process of its own: options as JSON in `argv[2]`, see `runService`. */
import { runService } from '../service.ts';
import { startFunctionHost } from './index.ts';

await runService(startFunctionHost);
// An app that failed to load may have left timers or sockets behind.
if (process.exitCode) setTimeout(() => process.exit(), 500).unref();
