import type { Rule } from '../../shared/policy/index.ts';
import type { Json } from '../../shared/twin/index.ts';

/** Describes a rule in words, such as `from 60 to 2880`. A value longer than 200 characters of JSON is cut. */
export function describeRule(rule: Rule): string {
  switch (rule.rule) {
    case 'exactly':
      return `exactly ${shorten(rule.value)}`;
    case 'byDefault':
      return `${shorten(rule.value)} unless set otherwise`;
    case 'oneOf':
      return `one of ${rule.values.map(shorten).join(', ')}`;
    case 'between':
      return `from ${rule.min} to ${rule.max}`;
    case 'absent':
      return 'absent';
  }
}

function shorten(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
