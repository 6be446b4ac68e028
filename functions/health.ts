import { app, type HttpResponseInit } from '@azure/functions';
import { openTable } from '../shared/drift/index.ts';
import type { App } from './app.ts';

/** What one check found. */
interface Check {
  readonly ok: boolean;
  readonly detail: string;
}

/** `health`: `GET /api/health`. 200 when the hub and the storage account can be reached, 503 with the reason when not. */
export function registerHealth(twinkeeper: App): void {
  app.http('health', {
    methods: ['GET'],
    authLevel: 'anonymous',
    route: 'health',
    async handler(): Promise<HttpResponseInit> {
      const [hub, storage] = await Promise.all([checkHub(twinkeeper), checkStorage(twinkeeper)]);
      // That this answers at all says that the settings and the policies are valid: the app does not start otherwise.
      const checks = { settings: { ok: true, detail: 'valid' }, hub, storage };
      const healthy = Object.values(checks).every(({ ok }) => ok);
      return { status: healthy ? 200 : 503, jsonBody: { status: healthy ? 'healthy' : 'unhealthy', checks } };
    },
  });
}

async function checkHub({ hub }: App): Promise<Check> {
  try {
    const answer = await hub.countDevices();
    return answer.ok
      ? { ok: true, detail: `${hub.name}: ${answer.value} devices` }
      : { ok: false, detail: `${hub.name}: ${answer.problem.message}` };
  } catch {
    return { ok: false, detail: `${hub.name}: cannot be called; see the log` };
  }
}

async function checkStorage({ settings }: App): Promise<Check> {
  try {
    await openTable(settings.storage, 'TwinkeeperDrift');
    return { ok: true, detail: 'tables can be reached' };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    return { ok: false, detail: `tables cannot be reached${typeof code === 'string' ? ` (${code})` : ''}` };
  }
}
