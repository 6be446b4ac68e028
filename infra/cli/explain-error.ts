/** What went wrong, in a line for a person, who learns nothing from a document of the storage service. */
export function explainError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message, statusCode, code } = error as Error & {
    readonly statusCode?: unknown;
    readonly code?: unknown;
  };
  if (name !== 'RestError') return message;
  if (typeof statusCode !== 'number') return `The storage account cannot be reached: ${message}`;
  const said = typeof code === 'string' ? code : /<Code>(\w+)<|"code":"(\w+)"/.exec(message)?.slice(1).find(Boolean);
  const answer = said === undefined ? String(statusCode) : `${statusCode}, ${said}`;
  return statusCode === 401 || statusCode === 403
    ? `The storage account does not let us in (${answer}): is the key in --storage or AzureWebJobsStorage still the account's?`
    : `The storage account does not do what it should (${answer}). Try again later.`;
}
