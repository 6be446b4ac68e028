/** The app with a policy file that throws while it loads. It loads the policies as `functions/main.ts` does. */
import { start } from '../../functions/start.ts';

start(
  () => {
    const { policies } = require('./throwing-policy.ts') as typeof import('./throwing-policy.ts');
    return policies;
  },
  import.meta.dirname,
);
