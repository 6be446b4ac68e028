import type {
  ActionsAnswer,
  DeadLettersPage,
  DeviceAnswer,
  DeviceThenAnswer,
  DriftPage,
  HealthDetails,
  OpenPage,
  OpenThenPage,
  PoliciesAnswer,
  PolicyVersionsAnswer,
  SummaryAnswer,
  SweepsAnswer,
} from '../../../functions/api/answers.ts';
import { mostDeadLetters } from '../../../shared/status/index.ts';
import { apiClient, parse, Refusal } from './api-client.ts';
import type { HistorySource } from './history-source.ts';

const largestPage = 1000;

/**
 * The history, read through the HTTP API of the running app. The messages of its errors say what to do and never contain the key.
 *
 * @param address the base address of the functions, with or without `/api`
 * @throws An Error when the address is malformed, when the key would be sent unencrypted, or when the key is malformed.
 */
export function fromFunctions(address: string, key: string | undefined): HistorySource {
  const { base, get, ask } = apiClient(address, key);

  return {
    page: (query, limit, cursor) =>
      get<DriftPage>('drift', 'rows', { ...query, limit: Math.min(largestPage, limit), cursor }),

    during: (query, limit, cursor) =>
      get<DriftPage>('drift', 'rows', { ...query, limit: Math.min(largestPage, limit), cursor }),

    async standingAt(at) {
      const { standing } = await get<OpenThenPage>('drift/open', 'rows', { at, limit: 1 });
      if (standing === undefined)
        throw new Error(`${base} is of an older version, which cannot look back. Update the app.`);
      return standing;
    },

    deviceAt: async (deviceId, at) => get<DeviceThenAnswer>(devicePath(deviceId), 'open', { at }),

    open: (query, limit, cursor) =>
      get<OpenPage>('drift/open', 'rows', { ...query, limit: Math.min(largestPage, limit), cursor }),

    actions: (query, limit, cursor) =>
      get<ActionsAnswer>('actions', 'actions', { ...query, limit: Math.min(largestPage, limit), cursor }),

    summary: (from, to) => get<SummaryAnswer>('summary', 'compliance', { from, to, bucket: '1h' }),

    async policyVersions(policy) {
      try {
        return await get<PolicyVersionsAnswer>(`policies/${encodeURIComponent(policy)}/versions`, 'versions');
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return { versions: [], inForce: [] };
      }
    },

    async policyNames() {
      return (await get<PoliciesAnswer>('policies', 'policies')).policies.map(({ name }) => name);
    },

    async lastSweep() {
      return (await get<SweepsAnswer>('sweeps', 'sweeps', { limit: 1 })).sweeps[0];
    },

    async deadLetters() {
      let count = 0;
      let cursor: string | undefined;
      do {
        const page = await get<DeadLettersPage>('dead-letters', 'letters', { limit: largestPage, cursor });
        count += page.letters.length;
        cursor = page.cursor;
      } while (cursor !== undefined && count < mostDeadLetters);
      return Math.min(count, mostDeadLetters);
    },

    async standing() {
      const { policies, fleet, open, openCountedAt } = await get<
        Partial<Pick<PoliciesAnswer, 'fleet'>> & PoliciesAnswer
      >('policies', 'policies');
      return {
        policies: policies.map(({ name, devices, openDevices }) => ({ policy: name, devices, outOfLine: openDevices })),
        // An older app does not count the fleet.
        fleet: fleet ?? {
          devices: null,
          devicesCountedAt: null,
          isExact: null,
          outOfLine: null,
          compliant: null,
          percent: null,
        },
        open,
        countedAt: openCountedAt,
      };
    },

    async health() {
      const { status, text } = await ask(new URL(`${base}/health/details`));
      const body = (parse(text) ?? {}) as Partial<HealthDetails>;
      // A 503 has the details of an unhealthy app, or is a problem document, whose `status` is a number.
      return (status === 200 || status === 503) && typeof body.status === 'string'
        ? (body as HealthDetails)
        : undefined;
    },

    async device(deviceId) {
      try {
        const { exists, at, modules } = await get<DeviceAnswer>(devicePath(deviceId), 'modules');
        return { exists, at, modules };
      } catch (error) {
        // The app answers with this problem type when neither the hub nor the history has the device.
        if (!isNotFound(error)) throw error;
        return { exists: false, at: new Date().toISOString(), modules: [] };
      }
    },
  };
}

function isNotFound(error: unknown): boolean {
  return error instanceof Refusal && error.type === 'urn:twinkeeper:problem:notFound';
}

/** The path of a device below `/api/`. */
function devicePath(deviceId: string): string {
  // These two ids cannot be in a URL: URL parsers treat `.` and `..` as path segments, even when they are encoded.
  if (deviceId === '.' || deviceId === '..') {
    throw new Error(
      `A URL cannot contain the device id ${deviceId}. Use --storage instead of --url, or "twinkeeper drift --device ${deviceId}" for its history.`,
    );
  }
  return `devices/${encodeURIComponent(deviceId)}`;
}
