import type { Rule } from '../../shared/policy/index.ts';
import type { Json } from '../../shared/twin/index.ts';

/** A rule in words, such as `from 60 to 2880`. */
export function ruleInWords(rule: Rule): string {
  switch (rule.rule) {
    case 'exactly':
      return `exactly ${brief(rule.value)}`;
    case 'byDefault':
      return `${brief(rule.value)} unless set otherwise`;
    case 'oneOf':
      return `one of ${rule.values.map(brief).join(', ')}`;
    case 'between':
      return `from ${rule.min} to ${rule.max}`;
    case 'absent':
      return 'absent';
  }
}

function brief(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
