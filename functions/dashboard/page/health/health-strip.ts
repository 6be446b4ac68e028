/** The strip at the top of the page. It asks the app for its health, and shows the answer or that there is none. */
import { appNow, askHealth } from '../api/index.ts';
import { el, find, printable } from '../markup/index.ts';
import { describeHealth, type KnownHealth, type StripText } from './describe-health.ts';

/** Shortest time between two questions, in milliseconds. The app itself checks every 30 seconds. */
const interval = 10_000;

interface HealthStrip {
  /** Asks for the health, when the last answer is old enough, and shows it. Never rejects: the strip shows why there is no answer. */
  look(isCurrent: () => boolean): Promise<void>;
  /** Whether the app has said that it does its work. */
  isWell(): boolean;
}

export function createHealthStrip(): HealthStrip {
  let known: KnownHealth | undefined;
  let askedAt = 0;
  let answeredAt: number | undefined;
  let shown = '';
  show();

  function show(): void {
    const text = describeHealth(known, appNow());
    find('main').classList.toggle('ill', text.grade === 'bad' || text.grade === 'plain');
    const next = JSON.stringify(text);
    // Screen readers read the strip again whenever its content is set, so an unchanged strip is not set again.
    if (next === shown) return;
    shown = next;
    find('health').replaceChildren(...render(text));
  }

  return {
    async look(isCurrent) {
      if (Date.now() - askedAt >= interval || (known !== undefined && 'failure' in known)) {
        const asked = Date.now();
        try {
          const answer = await askHealth();
          if (!isCurrent()) return;
          known = { answer };
          answeredAt = appNow();
        } catch (error) {
          if (!isCurrent()) return;
          const failure = error instanceof Error ? error.message : String(error);
          known = { failure, ...(answeredAt === undefined ? {} : { since: answeredAt }) };
        }
        askedAt = asked;
      }
      show();
    },
    isWell: () => known !== undefined && 'answer' in known && known.answer.status === 'healthy',
  };
}

const marks = { ill: 'bad', warning: 'warn', information: 'plain' } as const;

function render({ grade, badge, line, problems }: StripText): readonly HTMLElement[] {
  const head = el(
    'p',
    { class: 'health-line' },
    el('span', { class: `badge ${grade}` }, badge),
    el('span', { class: 'health-facts' }, printable(line, 600)),
  );
  if (problems.length === 0) return [head];
  const items = problems.map(({ severity, sentence, advice }) =>
    el(
      'li',
      {},
      el('span', { class: `mark ${marks[severity]}`, 'aria-hidden': 'true' }),
      el('span', {}, printable(sentence, 600), ' ', el('span', { class: 'muted' }, printable(advice, 600))),
    ),
  );
  return [head, el('ul', { class: 'health-problems' }, items)];
}
