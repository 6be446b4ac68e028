/** Shared access signatures as IoT Hub's service API takes them. "Control access to IoT Hub with shared access signatures" */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { HubError } from './errors.ts';

/** A shared access policy of the hub: its name, and its key in Base64. */
export interface SasPolicy {
  readonly name: string;
  readonly key: string;
}

/** Who may call, and under which resource URIs (`sr`, in lower case) tokens for this hub are made out. */
export interface SasRules {
  readonly policies: readonly SasPolicy[];
  readonly resources: readonly string[];
}

/** The name of the policy that signed this `Authorization` header. Throws 401 unless the token is ours, unspoilt and not expired. */
export function authorize(header: string | undefined, rules: SasRules, nowSeconds: number = Date.now() / 1000): string {
  const token = parse(header);
  const policy = rules.policies.find(({ name }) => name === token.skn);
  const expected = createHmac('sha256', Buffer.from(policy?.key ?? '', 'base64'))
    .update(`${token.sr}\n${token.se}`)
    .digest();
  const given = Buffer.from(decode(token.sig), 'base64');
  const signed = given.length === expected.length && timingSafeEqual(given, expected);
  const live = /^\d{1,15}$/.test(token.se) && Number(token.se) > nowSeconds;
  const ours = rules.resources.includes(decode(token.sr).toLowerCase());
  if (policy === undefined || !signed || !live || !ours) throw unauthorized();
  return policy.name;
}

// The signature covers `sr` as it stands in the token, encoded, and whichever way the client encoded it.
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
