import * as z from 'zod/mini';

/** An operator who has signed in with Microsoft Entra ID. */
export interface Principal {
  readonly name: string;
  /** The object id in Microsoft Entra ID. It stays the same when the name changes. */
  readonly id: string;
  /** The app roles that the operator has. */
  readonly roles: ReadonlySet<string>;
}

/** Largest length of the header in characters. The platform itself refuses headers of more than 64 KB. */
const lengthLimit = 64 * 1024;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

const objectIdTypes = ['http://schemas.microsoft.com/identity/claims/objectidentifier', 'oid'];
const nameTypes = ['preferred_username', 'name', 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress'];
const roleTypes = ['roles', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'];

const principalSchema = z.object({
  auth_typ: z.literal('aad'),
  name_typ: z.optional(z.nullable(z.string())),
  role_typ: z.optional(z.nullable(z.string())),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })),
});

/**
 * Reads the header `x-ms-client-principal`, in which App Service authentication gives the claims of the operator: JSON in base64
 * (https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities). App Service renames some claims, so each claim
 * is looked for under both of its names.
 *
 * @returns `undefined` when the header is malformed, is not from Microsoft Entra ID, or has no object id
 */
export function readPrincipal(header: string): Principal | undefined {
  if (header.length > lengthLimit || !base64.test(header)) return undefined;
  const { data } = principalSchema.safeParse(parse(Buffer.from(header, 'base64').toString('utf8')));
  if (data === undefined) return undefined;
  const values = (types: readonly (string | null | undefined)[]) =>
    types.flatMap((type) => data.claims.filter(({ typ }) => typ === type).map(({ val }) => val));
  const id = printable(values(objectIdTypes)[0] ?? '');
  if (id === '') return undefined;
  const name = printable(values([data.name_typ, ...nameTypes])[0] ?? '');
  return { id, name: name === '' ? id : name, roles: new Set(values([data.role_typ, ...roleTypes])) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text without control characters and marks of writing direction, which could forge a log line, cut to 256 characters. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').slice(0, 256);
}
