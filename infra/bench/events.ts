import { join } from 'node:path';
import { functionAppFolder, projectRoot } from '../local/project.ts';
import type { Bench } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { bundleChild } from './bundle-child.ts';
import type { HandlerRates } from './children/handler-rate.ts';
import { measureEndToEnd } from './events-end-to-end.ts';
import { unreachable } from './loaded-app.ts';
import { measureInChild } from './measure-in-child.ts';
import { bundlePeer, emptyEventHubApp } from './peer-app.ts';

/** Measures the cost of events that concern no policy. In a real fleet, most events are of this kind. */
export const events: Bench = {
  name: 'events',
  description: 'twin events that no policy concerns: through the handler, and end to end over AMQP',
  async run(report) {
    const bundle = join(functionAppFolder(projectRoot()), 'main.cjs');
    await inBenchFolder(async (folder) => {
      const peer = await bundlePeer(emptyEventHubApp, folder, 'empty-event-hub');
      report.progress('the handler and its peers, in alternating rounds');
      const rates = await measureInChild<HandlerRates>({
        child: await bundleChild('handler-rate', folder),
        options: { file: bundle, peer },
        settings: unreachable,
      });
      report.measured({
        case: 'handler',
        ours: rates.handler,
        peer: rates.parse,
        unit: 'events/s',
        target: { atLeast: 0.5 },
        note: `bodies parsed and passed to the registered handler, compared with JSON.parse of the same bodies (${rates.bodyBytes} bytes each on average). Per second of processor time, in alternating rounds.`,
      });
      report.measured({
        case: 'invocation',
        ours: rates.invocation,
        peer: rates.emptyInvocation,
        unit: 'events/s',
        target: { atLeast: 0.5 },
        note: 'the same events as whole invocations of @azure/functions, compared with an app whose handler is empty.',
      });

      const { ours, peer: theirs, events: count } = await measureEndToEnd(bundle, peer, folder, report);
      report.measured({
        case: 'end-to-end',
        ours: ours,
        peer: theirs,
        unit: 'events/s',
        target: { atLeast: 0.95 },
        note: `${count} events from the local hub's event endpoint through the function host, with checkpoints in Azurite, compared with an app whose handler is empty. Real time, in alternating rounds.`,
      });
    });
  },
};
