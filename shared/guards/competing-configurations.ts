import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import type { Twin } from '../twin/index.ts';
import { cached } from './cached.ts';
import type { Guard } from './guard.ts';
import type { CompetingSetting, GuardStore } from './guard-store.ts';
import { targetPredicate } from './target-condition.ts';

/** How long an instance goes by what it has read, in milliseconds. */
const readAgainAfter = 10_000;

/**
 * Leaves alone what an automatic configuration of the hub sets otherwise, on the twins that the configuration targets, unless the
 * policy overrides it. Goes by what the last sweep has found. Throws when storage does not answer.
 */
export function competingGuard({ store, clock }: { readonly store: GuardStore; readonly clock: Clock }): Guard {
  const competing = cached(async () => index(await store.competing()), readAgainAfter, clock);
  return {
    async review({ departures, twins }) {
      const byPlace = await competing();
      const held = new Map<Departure, string>();
      for (const departure of departures) {
        const twin = twins.get(departure.moduleId);
        if (departure.kind === 'missingModule' || twin === undefined) continue;
        const rival = byPlace.get(placeOf(departure.policy, departure.path))?.find(({ targets }) => targets(twin));
        if (rival !== undefined) held.set(departure, reasonFor(rival.setting));
      }
      return held;
    },
  };
}

interface Rival {
  readonly setting: CompetingSetting;
  readonly targets: (twin: Twin) => boolean;
}

/** The settings that count, by policy and path. Which one is named first is settled, so that the reason stays the same. */
function index(settings: readonly CompetingSetting[]): ReadonlyMap<string, readonly Rival[]> {
  const targets = new Map<string, (twin: Twin) => boolean>();
  const rivals = settings
    .filter(({ overridden }) => !overridden)
    .toSorted((a, b) => b.priority - a.priority || (a.configuration < b.configuration ? -1 : 1))
    .map((setting): Rival => {
      const known = targets.get(setting.targetCondition) ?? targetPredicate(setting.targetCondition);
      targets.set(setting.targetCondition, known);
      return { setting, targets: known };
    });
  return Map.groupBy(rivals, ({ setting }) => placeOf(setting.policy, setting.path));
}

function placeOf(policy: string, path: string): string {
  return JSON.stringify([policy, path]);
}

function reasonFor({ configuration, policy }: CompetingSetting): string {
  return (
    `competingConfiguration: the hub's configuration ${configuration} sets it otherwise; remove it from there, or let policy ` +
    `${policy} overrideConfigurations`
  );
}
