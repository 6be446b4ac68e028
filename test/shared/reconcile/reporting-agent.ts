import { newTwin } from '../../../infra/local/hub/twin.ts';
import { type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import type { JsonObject, Twin } from '../../../shared/twin/index.ts';
import { readTwin } from '../../support/arbitraries.ts';

export const minute = 60_000;
/** The time at which the desired properties were written, in milliseconds since 1970. */
export const written = Date.parse('2026-01-02T03:00:00Z');
/** The time that is `minutes` minutes after {@link written}, ISO 8601. */
export const after = (minutes: number) => new Date(written + minutes * minute).toISOString();

/** Policies of module `m` in mode `enforce`. Their default names are `p0`, `p1` and so on. */
export const policiesOf = (...definitions: readonly Partial<PolicyDefinition>[]) =>
  toPolicySet(
    definitions.map((definition, index) => ({ name: `p${index}`, module: 'm', ...definition })),
    { mode: 'enforce' },
  );

/** A twin of module `m`. All desired properties were written at {@link written}, in version 1. */
export const twinOf = (desired: JsonObject, reported: JsonObject): Twin => ({
  ...readTwin(newTwin({ desired }, written), 'd', 'm'),
  reported: { properties: reported, metadata: {}, version: 3 },
});
