/**
 * Names of the query parameters that Azure Functions reads on every URL: `code` is the function key, `clientId` is the name of that key.
 */
export const functionKeyParameters: ReadonlySet<string> = new Set(['code', 'clientId']);
