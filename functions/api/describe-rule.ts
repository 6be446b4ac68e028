import type { DurationBounds, RuleContent } from '../../shared/policy/index.ts';
import type { Json } from '../../shared/twin/index.ts';

/** Describes a rule in words, such as `from 60 to 2880`. A value longer than 200 characters of JSON is cut. */
export function describeRule(rule: RuleContent): string {
  switch (rule.rule) {
    case 'exactly':
      return `exactly ${shorten(rule.value)}`;
    case 'byDefault':
      return `${shorten(rule.value)} unless set otherwise`;
    case 'oneOf':
      return `one of ${rule.values.map(shorten).join(', ')}`;
    case 'between':
      return `from ${rule.min} to ${rule.max}`;
    case 'atLeast':
      return `${rule.min} or more`;
    case 'atMost':
      return `${rule.max} or less`;
    case 'matches':
      return `matches ${shorten(rule.pattern)}`;
    case 'duration':
      return describeBounds(rule);
    case 'optional':
      return `absent, or ${describeRule(rule.inner)}`;
    case 'absent':
      return 'absent';
  }
}

function describeBounds({ atLeast, atMost }: DurationBounds): string {
  if (atLeast === atMost) return `as long as ${atLeast}`;
  if (atMost === undefined) return `${atLeast} or longer`;
  return atLeast === undefined ? `${atMost} or shorter` : `from ${atLeast} to ${atMost}`;
}

function shorten(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
