/**
 * The words that a query may use. `full`: all functions that are known from queries of message routes. `documented`: only what the
 * documentation names for twins, which is comparison, `AND`, `OR`, `NOT`, `IN`, `NIN`, `IS_DEFINED` and `COUNT`.
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 */
export type Dialect = 'full' | 'documented';

export type TypeName = 'string' | 'number' | 'boolean';

/** Functions of the query language that test the type of a JSON value. Each function returns false for a missing property. */
const typeTests = { string: 'IS_STRING', number: 'IS_NUMBER', boolean: 'IS_BOOL' } as const;

/** Comparisons that each value of a type meets. How values of two types compare is not documented. */
const comparisonsOf: Readonly<Record<TypeName, (path: string) => string>> = {
  string: (path) => `${path} >= ''`,
  number: (path) => `${path} < 0 OR ${path} >= 0`,
  boolean: (path) => `${path} = true OR ${path} = false`,
};

const typeNames = Object.keys(typeTests) as readonly TypeName[];

/**
 * Writes a condition for a value that does not have this type. May contain `OR` at its top level. In the dialect `documented`, the condition
 * does not match objects and lists.
 */
export function isNotOfType(path: string, type: TypeName, dialect: Dialect): string {
  if (dialect === 'full') return `NOT ${typeTests[type]}(${path})`;
  const others = typeNames.filter((name) => name !== type).map((name) => comparisonsOf[name](path));
  return [`NOT IS_DEFINED(${path})`, ...others].join(' OR ');
}

/**
 * Writes a condition for two values of different types, of which the first is a string, a number or a boolean. Contains `OR` at its top
 * level. In the dialect `documented`, the condition does not match where the second value is an object or a list.
 */
export function areOfDifferentTypes(path: string, other: string, dialect: Dialect): string {
  return typeNames
    .map((type) =>
      dialect === 'full'
        ? `(${typeTests[type]}(${path}) AND NOT ${typeTests[type]}(${other}))`
        : `((${comparisonsOf[type](path)}) AND (${isNotOfType(other, type, dialect)}))`,
    )
    .join(' OR ');
}
