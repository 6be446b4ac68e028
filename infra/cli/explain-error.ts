/**
 * One line of text about an error, for a person. For an error of the storage service the line is a new sentence, because the message of
 * that error is a whole XML or JSON document.
 */
export function explainError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message, statusCode, code } = error as Error & {
    readonly statusCode?: unknown;
    readonly code?: unknown;
  };
  if (name !== 'RestError') return message;
  if (typeof statusCode !== 'number') return `The storage account cannot be reached: ${message}`;
  const errorCode =
    typeof code === 'string' ? code : /<Code>(\w+)<|"code":"(\w+)"/.exec(message)?.slice(1).find(Boolean);
  const answer = errorCode === undefined ? String(statusCode) : `${statusCode}, ${errorCode}`;
  return statusCode === 401 || statusCode === 403
    ? `The storage account refuses access (${answer}): check the key in --storage or AzureWebJobsStorage.`
    : `The storage account answered with an error (${answer}). Try again later.`;
}
