/** Runs the function host as a process of its own. `argv[2]` contains the host's options as JSON, as `runService` describes. */
import { runService } from '../service-child.ts';
import { startFunctionHost } from './index.ts';

await runService(startFunctionHost);
// The app of a host that did not start may have left timers or sockets that keep the process alive. So the process is ended after 500 ms.
if (process.exitCode) setTimeout(() => process.exit(), 500).unref();
