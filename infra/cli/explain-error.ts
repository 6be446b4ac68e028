/** The names of the errors with which `@azure/identity` says that no credential gives a token. */
const signInErrors = new Set([
  'AggregateAuthenticationError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'CredentialUnavailableError',
]);

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
  if (signInErrors.has(name)) {
    return 'Nobody is signed in to Azure here, or the sign-in has expired: run "azd auth login" or "az login". AZURE_TENANT_ID chooses the tenant.';
  }
  if (name === 'StorageAccessError') return `${message}.`;
  if (name !== 'RestError') return message;
  if (isResourceManager(error)) return explainResourceManager(statusCode, code, message);
  if (typeof statusCode !== 'number') return `The storage account cannot be reached: ${message}`;
  const errorCode =
    typeof code === 'string' ? code : /<Code>(\w+)<|"code":"(\w+)"/.exec(message)?.slice(1).find(Boolean);
  const answer = errorCode === undefined ? String(statusCode) : `${statusCode}, ${errorCode}`;
  return statusCode === 401 || statusCode === 403
    ? `The storage account refuses access (${answer}): check the key in --storage or AzureWebJobsStorage, or your role.`
    : `The storage account answered with an error (${answer}). Try again later.`;
}

function isResourceManager(error: Error): boolean {
  const { request } = error as { readonly request?: { readonly url?: string } };
  return /\/subscriptions\/[^/]+\//i.test(request?.url ?? '');
}

function explainResourceManager(statusCode: unknown, code: unknown, message: string): string {
  if (typeof statusCode !== 'number') return `Azure Resource Manager cannot be reached: ${message}`;
  // The message is a whole JSON document when the SDK does not know the form of the error.
  const own = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/i.exec(message)?.[1] ?? message;
  const answer = typeof code === 'string' ? `${statusCode}, ${code}` : String(statusCode);
  if (statusCode === 401)
    return `Azure Resource Manager refuses your sign-in (${answer}): run "azd auth login" or "az login" again.`;
  if (statusCode === 403)
    return `You have no right to do this (${answer}): you need the role Contributor on the hub. ${own}`;
  if (statusCode === 404)
    return `Azure knows no such hub (${answer}): check its name, its resource group and the subscription.`;
  return `Azure answered with an error (${answer}): ${own}`;
}
