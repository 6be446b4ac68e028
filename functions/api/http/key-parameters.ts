/** Read by Azure Functions, wherever they are given: the key, and its name. */
export const keyParameters: ReadonlySet<string> = new Set(['code', 'clientId']);
