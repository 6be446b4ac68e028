/** Checks the shared access signatures of IoT Hub's service API ("Control access to IoT Hub with shared access signatures"). */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { HubError } from './errors.ts';

/** A shared access policy of the hub: its name, and its key in Base64. */
export interface SasPolicy {
  readonly name: string;
  readonly key: string;
}

/** The rules for valid tokens: the policies that may sign them, and the resource URIs (`sr`, in lower case) that they may name. */
export interface SasRules {
  readonly policies: readonly SasPolicy[];
  readonly resources: readonly string[];
}

/**
 * Checks the token in an `Authorization` header. Returns the name of the shared access policy that signed the token. Throws 401 unless the
 * token is for this hub, has a correct signature and is not expired.
 */
export function authorize(header: string | undefined, rules: SasRules, nowSeconds: number = Date.now() / 1000): string {
  const token = parse(header);
  const policy = rules.policies.find(({ name }) => name === token.skn);
  const expected = createHmac('sha256', Buffer.from(policy?.key ?? '', 'base64'))
    .update(`${token.sr}\n${token.se}`)
    .digest();
  const signature = Buffer.from(decode(token.sig), 'base64');
  const signed = signature.length === expected.length && timingSafeEqual(signature, expected);
  const unexpired = /^\d{1,15}$/.test(token.se) && Number(token.se) > nowSeconds;
  const forThisHub = rules.resources.includes(decode(token.sr).toLowerCase());
  if (policy === undefined || !signed || !unexpired || !forThisHub) throw unauthorized();
  return policy.name;
}

// `sr` stays encoded as the client sent it, because the signature covers the encoded text.
function parse(header: string | undefined): {
  readonly sr: string;
  readonly sig: string;
  readonly se: string;
  readonly skn: string;
} {
  const fields = /^SharedAccessSignature (.+)$/i.exec(header ?? '')?.[1];
  if (fields === undefined) throw unauthorized();
  const values = new Map(
    fields.split('&').map((field): [string, string] => {
      const at = field.indexOf('=');
      return [field.slice(0, at), field.slice(at + 1)];
    }),
  );
  const [sr, sig, se, skn] = ['sr', 'sig', 'se', 'skn'].map((name) => values.get(name));
  if (sr === undefined || sig === undefined || se === undefined || skn === undefined) throw unauthorized();
  return { sr, sig, se, skn: decode(skn) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw unauthorized();
  }
}

function unauthorized(): HubError {
  return new HubError('IotHubUnauthorizedAccess', 'Unauthorized');
}
