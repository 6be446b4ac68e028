import { newTwin } from '../../../infra/local/hub/twin.ts';
import { type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import type { JsonObject, Twin } from '../../../shared/twin/index.ts';
import { readTwin } from '../../support/arbitraries.ts';

export const minute = 60_000;
/** The time at which the desired properties were written, in milliseconds. */
export const written = Date.parse('2026-01-02T03:00:00Z');
/** The time some minutes after {@link written}, ISO 8601. */
export const after = (minutes: number) => new Date(written + minutes * minute).toISOString();

/** Enforcing policies of module `m`, named p0, p1, … */
export const policiesOf = (...definitions: readonly Partial<PolicyDefinition>[]) =>
  toPolicySet(
    definitions.map((definition, index) => ({ name: `p${index}`, module: 'm', ...definition })),
    { mode: 'enforce' },
  );

/** A twin with desired properties that were all written at {@link written}, in version 1. */
export const twinOf = (desired: JsonObject, reported: JsonObject): Twin => ({
  ...readTwin(newTwin({ desired }, written), 'd', 'm'),
  reported: { properties: reported, metadata: {}, version: 3 },
});
