import { ApiProblem } from './problem.ts';

/**
 * The form of answer that a request's `Accept` likes best (RFC 9110, 12.5.1); of those that it likes the same, the first.
 *
 * @throws {ApiProblem} when it takes none of them.
 */
export function acceptedForm<F extends string>(accept: string | null, forms: readonly [F, ...F[]]): F {
  const wishes = (accept ?? '')
    .split(',')
    .map((wish) =>
      wish
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/),
    )
    .filter(([range]) => range !== undefined && range !== '');
  if (wishes.length === 0) return forms[0];
  const liking = (form: string) => {
    const fitting = wishes
      .filter(([range = '']) => range === form || range === '*/*' || range === `${form.split('/')[0]}/*`)
      // The most exact has the last word.
      .toSorted(([a = ''], [b = '']) => exactness(b) - exactness(a));
    const [wish] = fitting;
    if (wish === undefined) return 0;
    const quality = Number(wish.find((part) => part.startsWith('q='))?.slice(2) ?? 1);
    return Number.isNaN(quality) ? 1 : quality;
  };
  const best = forms.reduce((left, right) => (liking(right) > liking(left) ? right : left));
  if (liking(best) > 0) return best;
  throw new ApiProblem('notAcceptable', `This is answered as ${forms.join(', ')}: name one of them in Accept.`);
}

function exactness(range: string): number {
  return range === '*/*' ? 0 : range.endsWith('/*') ? 1 : 2;
}
