import type { PolicyDefinition } from '../../shared/policy/index.ts';

/** @public The app in `throwing-app.ts` loads this list with `require`. */
export const policies: readonly PolicyDefinition[] = [];

throw new Error('no such plant');
