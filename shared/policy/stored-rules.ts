import { isJsonObject, type Json, type JsonObject } from '../twin/index.ts';
import { type OwnedProperty, parseRules } from './parse-rules.ts';
import { asRule } from './rules.ts';

/**
 * The properties that a stored definition owns, with their rules. A definition is stored as JSON, in which a rule is an object such as
 * `{ "rule": "exactly", "value": 1 }`. What is no valid rule is left out.
 */
export function storedRules({ desired }: JsonObject): readonly OwnedProperty[] {
  return isJsonObject(desired) ? parseRules(revived(desired), () => {}) : [];
}

function revived(value: Json): unknown {
  if (!isJsonObject(value)) return value;
  const rule = asRule(value);
  if (rule !== undefined) return rule;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revived(inner)]));
}
