import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseMediaType } from '../../../../functions/api/http/accept.ts';
import { ApiProblem } from '../../../../functions/api/http/problem.ts';

const mediaTypes = ['application/json', 'text/csv', 'application/x-ndjson'] as const;

describe('the media type of an answer', () => {
  it.each([
    [null, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['Text/CSV; charset=utf-8', 'text/csv'],
    ['text/*', 'text/csv'],
    ['application/*', 'application/json'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
    ['application/json;q=0.1, application/x-ndjson', 'application/x-ndjson'],
    ['*/*, application/json;q=0', 'text/csv'],
  ])('for Accept: %s is %s', (accept, mediaType) => {
    expect(chooseMediaType(accept, mediaTypes)).toBe(mediaType);
  });

  it('is refused with 406 when the header accepts none, whatever the header holds', () => {
    expect(() => chooseMediaType('image/png', mediaTypes)).toThrow(ApiProblem);
    expect(() => chooseMediaType('text/csv;q=0', mediaTypes)).toThrow(ApiProblem);
    fc.assert(
      fc.property(fc.string(), (accept) => {
        try {
          return mediaTypes.includes(chooseMediaType(accept, mediaTypes));
        } catch (error) {
          return error instanceof ApiProblem && error.status === 406;
        }
      }),
    );
  });
});
