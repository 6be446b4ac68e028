/** Reads the parts of a Markdown page that the tests of the documentation check. */
import GithubSlugger from 'github-slugger';
import { lexer, type Token, walkTokens } from 'marked';

export interface Page {
  /** The anchors that GitHub gives the headings of the page, such as `examples-with-curl`. */
  readonly anchors: ReadonlySet<string>;
  /** The targets of links and images, as the Markdown text has them. */
  readonly links: readonly string[];
  /** The text of code blocks, and of code inside sentences. */
  readonly code: readonly string[];
}

export function readPage(markdown: string): Page {
  const slugger = new GithubSlugger();
  const anchors = new Set<string>();
  const links: string[] = [];
  const code: string[] = [];
  walkTokens(lexer(markdown), (token) => {
    switch (token.type) {
      case 'heading':
        anchors.add(slugger.slug(plainText(token.tokens)));
        break;
      case 'link':
      case 'image':
        links.push(token.href);
        break;
      case 'code':
      case 'codespan':
        code.push(token.text);
        break;
    }
  });
  return { anchors, links, code };
}

/** The text of a heading without Markdown characters. */
function plainText(tokens: readonly Token[] = []): string {
  return tokens
    .map((token) => ('tokens' in token && token.tokens ? plainText(token.tokens) : 'text' in token ? token.text : ''))
    .join('');
}

/** Finds the npm commands in code. Each result holds the words after `npm`, up to the end of that command. */
export function npmCommands(code: readonly string[]): readonly (readonly string[])[] {
  return code
    .flatMap((text) => text.split('\n'))
    .map((line) => line.replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => line.split(/&&|\|\|?|;/))
    .map((command) => command.trim().split(/\s+/))
    .filter(([program]) => program === 'npm')
    .map(([, ...words]) => words);
}
