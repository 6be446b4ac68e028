import { absent, between, byDefault, definePolicy, oneOf } from '../../shared/policy/index.ts';

/** A policy for the module `Agent` with several kinds of rules. */
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

/** Desired properties of a module that comply with {@link agentPolicy}. */
export const compliant = { mode: 'Low', timeout: 90, section: { deep: { value: true } }, label: 'mine' };

/** Desired properties of a module that break {@link agentPolicy}: the value of `mode` is wrong. */
export const wrongMode = { ...compliant, mode: 'Off' };
