/**
 * The base address of the app's API, which ends in `/api`.
 *
 * @param address the base address of the functions, with or without `/api`
 * @throws An Error when the address is malformed, when the key would be sent unencrypted, or when the key is malformed. The message has no key.
 */
export function functionsApi(address: string, key: string | undefined): string {
  // The key is checked before a request, because the error message of `fetch` would contain the key.
  if (key !== undefined && !/^[!-~]+$/.test(key.trim())) {
    throw new Error('The key is empty or has characters that a key cannot have: copy the key again, as one line.');
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.username !== '') {
    throw new Error(
      '--url is not an address of functions: it must look like https://my-app.azurewebsites.net, and the key belongs into --key.',
    );
  }
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (key !== undefined && url.protocol === 'http:' && !isLoopback) {
    throw new Error('--url begins with http:, so others could read the key on the network: use https:.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/api$/, '')}/api`;
}
