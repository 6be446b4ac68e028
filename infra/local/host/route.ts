/** Matches paths with the HTTP routes of Azure Functions, for example `devices/{id}/modules/{moduleId?}`, `files/{*path}` or `{id:int}`. */

export interface Route {
  readonly template: string;
  /**
   * Returns the decoded route parameters when the path matches, and otherwise undefined. `%2F` stays encoded, as in the runtime. When the
   * path lacks an optional parameter, the result has no key for this parameter.
   */
  match(path: string): Readonly<Record<string, string>> | undefined;
  /** A text by which routes are sorted. When two routes match the same path, the more specific route has the smaller text. */
  readonly precedence: string;
}

const parameter = /^\{(\*{0,2})([A-Za-z_]\w*)(?::([^}?]+))?(\?)?\}$/;

/** The route constraints of ASP.NET that a regular expression can check. */
const constraints: Readonly<Record<string, RegExp>> = {
  int: /^-?\d+$/,
  long: /^-?\d+$/,
  bool: /^(?:true|false)$/i,
  alpha: /^[a-z]+$/i,
  guid: /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i,
};

/**
 * Parses a route template. Each segment of the template is a literal or one parameter.
 * @throws {TypeError} When the template is malformed. The message contains the template.
 */
export function parseRoute(template: string): Route {
  const segments = template.split('/').filter((segment) => segment !== '');
  const parts = segments.map((segment, index) => {
    const match = parameter.exec(segment);
    if (match === null) {
      if (/[{}]/.test(segment)) throw new TypeError(`The route "${template}" has a malformed segment "${segment}".`);
      return { literal: segment.toLowerCase() };
    }
    const [, stars, name = '', constraint, optional] = match;
    const isLast = index === segments.length - 1;
    if ((stars !== '' || optional !== undefined) && !isLast) {
      throw new TypeError(`The route "${template}": ${segment} is only allowed as the last segment.`);
    }
    return { name, rest: stars !== '', optional: optional !== undefined, allowed: constraints[constraint ?? ''] };
  });
  return {
    template,
    precedence: `${parts.map((part) => ('literal' in part ? '0' : part.rest ? '3' : part.allowed ? '1' : '2')).join('')}`,
    match(path) {
      const given = path.split('/').filter((segment) => segment !== '');
      const values: [string, string][] = [];
      for (const [index, part] of parts.entries()) {
        const segment = given[index];
        if ('literal' in part) {
          if (segment?.toLowerCase() !== part.literal) return undefined;
        } else if (part.rest) {
          const rest = given.slice(index).map(decode).join('/');
          if (rest !== '') values.push([part.name, rest]);
          return Object.fromEntries(values);
        } else if (segment === undefined) {
          if (!part.optional) return undefined;
        } else {
          const value = decode(segment);
          if (part.allowed?.test(value) === false) return undefined;
          values.push([part.name, value]);
        }
      }
      return given.length > parts.length ? undefined : Object.fromEntries(values);
    },
  };
}

function decode(segment: string): string {
  try {
    return segment
      .split(/(%2f)/i)
      .map((part) => (/^%2f$/i.test(part) ? part : decodeURIComponent(part)))
      .join('');
  } catch {
    return segment;
  }
}
