/** Parses shared access signatures (SAS tokens) and checks their signature. IoT Hub and Event Hubs use the same format. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The fields of a token. `resource` stays encoded as the client sent it, because the signature covers the encoded text. */
export interface SharedAccessSignature {
  readonly resource: string;
  readonly signature: string;
  /** When the token expires, in seconds since 1970, as text. */
  readonly expiry: string;
  readonly policyName: string;
}

/** Parses a token `SharedAccessSignature sr=…&sig=…&se=…&skn=…`. Returns undefined if the text has another form or lacks a field. */
export function parseSharedAccessSignature(text: string): SharedAccessSignature | undefined {
  const fields = /^SharedAccessSignature (.+)$/i.exec(text)?.[1];
  if (fields === undefined) return undefined;
  const values = new Map(
    fields.split('&').map((field): [string, string] => {
      const at = field.indexOf('=');
      return [field.slice(0, at), field.slice(at + 1)];
    }),
  );
  const [resource, signature, expiry, policyName] = ['sr', 'sig', 'se', 'skn'].map((name) => values.get(name));
  if (resource === undefined || signature === undefined || expiry === undefined || policyName === undefined) {
    return undefined;
  }
  if (!/^\d{1,15}$/.test(expiry)) return undefined;
  return { resource, signature: decode(signature), expiry, policyName: decode(policyName) };
}

/** Whether the token was signed with this key. Takes the same time for each wrong signature. */
export function isSignedWith(key: string | Buffer, { resource, expiry, signature }: SharedAccessSignature): boolean {
  const expected = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Decodes percent-encoding. Returns a text that is not encoded correctly unchanged. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
