import type { Answer, Hub, NewModule, Problem } from '../../hub/index.ts';

/** A hub that creates no module, and remembers the modules that it was asked to create. All other calls go through. */
export interface CollectingHub {
  readonly hub: Hub;
  readonly modules: readonly NewModule[];
}

/** The reason of a row whose module waits for an import job. */
const waitingForImport = 'waits for an import job of the hub';

/**
 * Wraps a hub for a work item whose modules an import job will create. Each creation is answered as put off. So the history row of the module
 * is open and says what it waits for, before the hub is changed.
 */
export function collectCreations(hub: Hub): CollectingHub {
  const modules: NewModule[] = [];
  const putOff: Answer<void> = { ok: false, problem: { type: 'throttled', message: waitingForImport } };
  return {
    modules,
    hub: withCreations(hub, async (asked) => {
      modules.push(...asked);
      return asked.map(() => putOff);
    }),
  };
}

/** What an import job did with the modules of a work item. */
export interface ImportResults {
  /** The devices whose module the job did not create, and why. */
  readonly failed: ReadonlyMap<string, Problem>;
  /** The devices whose module a trial created before the job. */
  readonly tried: ReadonlySet<string>;
}

/** Wraps a hub for a work item whose modules an import job has created. Each creation is answered with what the job did. */
export function answerFromImport(hub: Hub, { failed, tried }: ImportResults): Hub {
  return withCreations(hub, async (asked) =>
    asked.map(({ deviceId }): Answer<void> => {
      const problem = tried.has(deviceId) ? undefined : failed.get(deviceId);
      return problem === undefined ? { ok: true, value: undefined } : { ok: false, problem };
    }),
  );
}

function withCreations(hub: Hub, createModules: Hub['createModules']): Hub {
  return new Proxy(hub, {
    get: (target, key) => (key === 'createModules' ? createModules : (Reflect.get(target, key) as unknown)),
  });
}
