/** Runs the local hub as a process of its own. */
import { runService } from '../service-child.ts';
import { startLocalHub } from './index.ts';

await runService(startLocalHub);
