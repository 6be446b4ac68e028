import { ApiProblem } from './problem.ts';

/**
 * Chooses the media type of an answer from `mediaTypes`, by the `Accept` header of the request (RFC 9110, section 12.5.1). The media type
 * with the highest quality value wins. Of several with the same quality value, the first in `mediaTypes` wins.
 *
 * @throws {ApiProblem} with status 406 when the header accepts none of them.
 */
export function chooseMediaType<T extends string>(accept: string | null, mediaTypes: readonly [T, ...T[]]): T {
  const ranges = (accept ?? '')
    .split(',')
    .map((entry) =>
      entry
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/),
    )
    .filter(([range]) => range !== undefined && range !== '');
  if (ranges.length === 0) return mediaTypes[0];
  const qualityOf = (mediaType: string) => {
    const matching = ranges
      .filter(([range = '']) => range === mediaType || range === '*/*' || range === `${mediaType.split('/')[0]}/*`)
      // When several media ranges of the header match, the most specific one decides.
      .toSorted(([a = ''], [b = '']) => specificity(b) - specificity(a));
    const [range] = matching;
    if (range === undefined) return 0;
    const quality = Number(range.find((part) => part.startsWith('q='))?.slice(2) ?? 1);
    return Number.isNaN(quality) ? 1 : quality;
  };
  const best = mediaTypes.reduce((left, right) => (qualityOf(right) > qualityOf(left) ? right : left));
  if (qualityOf(best) > 0) return best;
  throw new ApiProblem(
    'notAcceptable',
    `The answer can be ${mediaTypes.join(', ')}: name one of these in the Accept header.`,
  );
}

function specificity(range: string): number {
  return range === '*/*' ? 0 : range.endsWith('/*') ? 1 : 2;
}
