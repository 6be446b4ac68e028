import type { Hub } from '../../../shared/hub/index.ts';
import type { Policy, PolicySet } from '../../../shared/policy/index.ts';
import { type Observed, type ObservedTwin, plan } from '../../../shared/reconcile/index.ts';
import { getAt } from '../../../shared/twin/index.ts';
import type { LiveDevice, LiveModule, LiveProperty } from './history-source.ts';

/**
 * Reads a device's twins, and holds them against the policies that apply to it. One call for the device, and one for each module that a
 * policy is about.
 *
 * @throws when the hub does not answer, with what it said.
 */
export async function compareLive(hub: Hub, policies: PolicySet, deviceId: string, now: Date): Promise<LiveDevice> {
  const at = now.toISOString();
  const own = await readTwin(hub, deviceId, '');
  if (own === undefined) return { exists: false, at, modules: [] };
  const device = { deviceId, tags: own.tags, edge: own.edge };
  const applying = policies.all.filter((policy) => applies(policy, device));
  const moduleIds = [...new Set(applying.map(({ module }) => module))];
  const twins = await Promise.all(
    moduleIds.map(async (moduleId): Promise<ObservedTwin> => {
      const twin = moduleId === '' ? own : await readTwin(hub, deviceId, moduleId);
      return twin === undefined
        ? { moduleId, missing: true, since: { version: 0, at, exact: false } }
        : { moduleId, twin };
    }),
  );
  return {
    exists: true,
    at,
    modules: twins.map((twin) => compareModule(applying, { device, twins: [twin], at }, twin)),
  };
}

async function readTwin(hub: Hub, deviceId: string, moduleId: string) {
  const answer = await hub.readTwin(deviceId, moduleId);
  if (answer.ok) return answer.value;
  if (answer.problem.type === 'gone') return undefined;
  throw new Error(
    `The twin of ${[deviceId, moduleId].filter(Boolean).join('/')} cannot be read: ${answer.problem.message}`,
  );
}

/** A scope that throws says nothing of the device; planning finds the same and tells of it. */
function applies(policy: Policy, device: Observed['device']): boolean {
  try {
    return policy.scope.matches(device);
  } catch {
    return true;
  }
}

function compareModule(applying: readonly Policy[], observed: Observed, twin: ObservedTwin): LiveModule {
  const its = applying.filter(({ module }) => module === twin.moduleId);
  const broken = plan(its, observed).drifts.map(
    ({ policy, path, kind, expected, actual, message }): LiveProperty => ({
      policy,
      path,
      kind,
      ok: false,
      ...(expected === undefined ? {} : { expected }),
      ...(actual === undefined ? {} : { actual }),
      ...(message === undefined ? {} : { message }),
    }),
  );
  const kept = its.flatMap(({ name: policy, owned }) =>
    owned.flatMap(({ path, text }): LiveProperty[] => {
      if (!('twin' in twin) || broken.some((one) => one.path === text && one.policy === policy)) return [];
      const actual = getAt(twin.twin.desired.properties, path);
      return [{ policy, path: text, ok: true, ...(actual === undefined ? {} : { expected: actual, actual }) }];
    }),
  );
  return {
    moduleId: twin.moduleId,
    exists: 'twin' in twin,
    policies: its.map(({ name }) => name),
    properties: [...broken, ...kept],
  };
}
