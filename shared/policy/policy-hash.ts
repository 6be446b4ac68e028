import type { PolicyDefinition } from './define-policy.ts';
import type { Policy } from './policy.ts';

/**
 * A hash of a policy's definition: 16 characters. The same definition gives the same hash in every process, whatever the order of its keys
 * and whatever the mode of the app. `description` and `$schema` do not count. The source text counts for functions such as `evaluate`, but
 * not what the function uses from outside. Pure.
 */
export function policyHash({ definition }: Pick<Policy, 'definition'>): string {
  const { description: _, ...counted } = withoutSchema(definition);
  return hashOf(canonical(counted));
}

/** A policy's definition as JSON with sorted keys. A function becomes the text `function ` and its source. Pure. */
export function definitionText({ definition }: Pick<Policy, 'definition'>): string {
  return canonical(withoutSchema(definition));
}

function withoutSchema(definition: PolicyDefinition) {
  const { $schema: _, ...rest } = definition as PolicyDefinition & { readonly $schema?: unknown };
  return rest;
}

/** A hash of all policies of the app: 16 characters. The order of the policies does not count. Pure. */
export function policiesHash(policies: readonly Pick<Policy, 'definition'>[]): string {
  return hashOf(policies.map(policyHash).sort().join(' '));
}

function hashOf(text: string): string {
  // This folder is loaded when the app starts, and the start needs no hash. So the module is loaded here.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/** Writes a value as JSON with sorted keys. Functions become their source text. Rules are plain objects, so nothing else needs care. */
function canonical(value: unknown): string {
  if (typeof value === 'function') return JSON.stringify(`function ${value}`);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join()}}`;
}
