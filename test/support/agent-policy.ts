import { absent, between, byDefault, definePolicy, oneOf } from '../../shared/policy/index.ts';

/** A policy about the module `Agent` with several kinds of rules. */
export const agentPolicy = definePolicy({
  name: 'agent',
  module: 'Agent',
  createModule: true,
  moduleTags: { by: 'us' },
  desired: {
    mode: oneOf(['High', 'Low'], { otherwise: 'High' }),
    timeout: between(60, 120, { otherwise: 100 }),
    section: { deep: { value: true } },
    label: byDefault('plain'),
    legacy: absent(),
  },
});

/** Desired properties that comply with {@link agentPolicy}. */
export const compliant = { mode: 'Low', timeout: 90, section: { deep: { value: true } }, label: 'mine' };

/** Desired properties that break {@link agentPolicy} with a wrong `mode`. */
export const wrongMode = { ...compliant, mode: 'Off' };
