/** Query parameters that Azure Functions reads on every URL: the function key, and the name of that key. */
export const functionKeyParameters: ReadonlySet<string> = new Set(['code', 'clientId']);
