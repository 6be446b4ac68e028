/** Entry point of an app whose two policies want different values of one property. It is otherwise the same as `functions/main.ts`. */
import { start } from '../../functions/start.ts';
import { definePolicy } from '../../shared/policy/index.ts';

const strict = definePolicy({ name: 'strict', module: 'agent', desired: { Interval: 1, Size: 8 } });
const loose = definePolicy({
  name: 'loose',
  module: 'agent',
  desired: { Interval: 60, Size: 8, Extra: null as never },
});

start([strict, loose], import.meta.dirname);
