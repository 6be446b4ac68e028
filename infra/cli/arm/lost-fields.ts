/**
 * Fields of a hub that Azure sets itself, as paths without the positions in lists. A write leaves them out. Source: the fields that are marked as
 * read-only in version 2023-06-30 of the API.
 */
const readOnly =
  /^(id|name|type|systemData.*|identity\.(principalId|tenantId|userAssignedIdentities\.[^.]+\.(principalId|clientId))|sku\.tier|properties\.routing\.endpoints\.cosmosDBSqlContainers\.id|properties\.(provisioningState|state|hostName|locations.*|privateEndpointConnections.*|eventHubEndpoints\.[^.]+\.(partitionIds.*|path|endpoint)))$/;

/**
 * Finds the settings that a write would lose, because the client does not know them: the paths of all fields of what was read that are not in
 * what would be sent. Fields without a value, and fields that Azure sets itself, do not count. Entries of lists belong together by their name. An
 * entry that is not sent at all was removed on purpose.
 */
export function lostFields(read: unknown, sent: unknown, path = ''): readonly string[] {
  if (read === null || read === undefined || readOnly.test(path)) return [];
  if (Array.isArray(read)) return read.flatMap((entry, index) => lostInEntry(entry, index, sent, path));
  if (typeof read !== 'object') return sent === undefined ? [path] : [];
  return Object.entries(read).flatMap(([key, value]) => {
    const part =
      typeof sent === 'object' && sent !== null && Object.hasOwn(sent, key)
        ? sent[key as keyof typeof sent]
        : undefined;
    return lostFields(value, part, path === '' ? key : `${path}.${key}`);
  });
}

function lostInEntry(entry: unknown, index: number, sent: unknown, path: string): readonly string[] {
  if (!Array.isArray(sent)) return lostFields(entry, undefined, path);
  const { name } = (entry ?? {}) as { readonly name?: unknown };
  if (name === undefined) return lostFields(entry, sent[index], path);
  const same = sent.find((other: { readonly name?: unknown } | null) => other?.name === name);
  return same === undefined ? [] : lostFields(entry, same, path);
}
