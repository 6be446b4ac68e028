/** The parts of a Markdown page that its tests look at. */
import GithubSlugger from 'github-slugger';
import { lexer, type Token, walkTokens } from 'marked';

export interface Page {
  /** The names under which GitHub links to the headings. */
  readonly anchors: ReadonlySet<string>;
  /** Targets of links and images, as they are written. */
  readonly links: readonly string[];
  /** Blocks of code, and code in sentences. */
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

/** A heading as a reader sees it, without marks. */
function plainText(tokens: readonly Token[] = []): string {
  return tokens
    .map((token) => ('tokens' in token && token.tokens ? plainText(token.tokens) : 'text' in token ? token.text : ''))
    .join('');
}

/** The words after each `npm` in code, up to the end of that command. */
export function npmCommands(code: readonly string[]): readonly (readonly string[])[] {
  return code
    .flatMap((text) => text.split('\n'))
    .map((line) => line.replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => line.split(/&&|\|\|?|;/))
    .map((command) => command.trim().split(/\s+/))
    .filter(([program]) => program === 'npm')
    .map(([, ...words]) => words);
}
