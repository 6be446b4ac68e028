import { escapeHidden } from '../../../../functions/api/escape-hidden.ts';

/** Markup that is safe to put into a page. Only {@link html} makes it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Content = Markup | string | number | undefined | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A tag for HTML templates. Each value in the template is text, and is escaped, also in attributes in quotes. Control characters and invisible
 * characters are shown as `\u202e`, because a text of a device could otherwise change the look of the text around it.
 */
export function html(template: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(String.raw({ raw: template }, ...values.map(render)));
}

function render(value: Content): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeHidden(String(value ?? '')).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
