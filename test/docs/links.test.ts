/** Checks the README, the changelog and the pages of `docs/`: every link has a target, and every npm command exists. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { npmCommands, readPage } from './markdown.ts';

const root = resolve(import.meta.dirname, '../..');
const pages = ['README.md', 'CHANGELOG.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith('.md'),
);
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const { scripts, dependencies, devDependencies } = JSON.parse(read('package.json')) as Readonly<
  Record<'scripts' | 'dependencies' | 'devDependencies', Readonly<Record<string, string>>>
>;

/** Names of commands of npm itself that the pages may mention. */
const npmOwn = new Set(['ci', 'cit']);
/** Commands of npm that run the script with the same name, without `npm run`. */
const npmScripts = new Set(['start', 'test']);

/** Describes why a link is wrong. The result is `undefined` for a good link. */
function linkFault(link: string, page: string, markdown: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) {
    return URL.canParse(link) && new URL(link).protocol === 'https:' ? undefined : `${link} is no https address`;
  }
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : relative(root, join(root, dirname(page), decodeURIComponent(path)));
  if (target.startsWith('..')) return `${link} leads out of the project`;
  if (!existsSync(join(root, target))) return `${link}: there is no ${target}`;
  if (anchor === undefined) return undefined;
  if (!target.endsWith('.md')) return `${link}: only a page has headings`;
  const { anchors } = readPage(target === page ? markdown : read(target));
  return anchors.has(anchor) ? undefined : `${link}: ${target} has no heading #${anchor}`;
}

/** Describes why an npm command is wrong. `words` are the words after `npm`. The result is `undefined` for a good command. */
function commandFault(words: readonly string[]): string | undefined {
  const [command, script] = words.filter((word) => !word.startsWith('-'));
  const wanted = command === 'run' ? script : command;
  if (command !== 'run' && npmOwn.has(command ?? '')) return undefined;
  if (command !== 'run' && !npmScripts.has(command ?? '')) return `npm ${words.join(' ')}: no such command`;
  return wanted !== undefined && Object.hasOwn(scripts, wanted) ? undefined : `npm ${words.join(' ')}: no such script`;
}

/** Describes all wrong links and npm commands of a documentation page. */
function faultsOf(page: string, markdown = read(page)): readonly string[] {
  const { links, code } = readPage(markdown);
  return [
    ...links.map((link) => linkFault(link, page, markdown)),
    ...npmCommands(code).map((words) => commandFault(words)),
  ].filter((fault) => fault !== undefined);
}

/** The names of packages that are missing in the code of a documentation page. */
function missingPackages(page: string, packages: Readonly<Record<string, string>>): readonly string[] {
  const named = new Set(readPage(read(page)).code);
  return Object.keys(packages).filter((name) => !named.has(name));
}

describe('the documentation', () => {
  it.each(pages)('%s has good links, and names commands that exist', (page) => {
    expect(faultsOf(page)).toEqual([]);
  });

  it('begins with a README of at most 150 lines', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
  });

  it('can be reached from the README, every page of it', () => {
    const linked = new Set(readPage(read('README.md')).links);
    expect(pages.filter((page) => page !== 'README.md' && !linked.has(page))).toEqual([]);
  });

  it('lists every dependency of the app in the README, and every other one on the page for contributors', () => {
    expect(missingPackages('README.md', dependencies)).toEqual([]);
    expect(missingPackages('docs/contributing.md', devDependencies)).toEqual([]);
  });
});

describe('a page of the documentation is refused', () => {
  it.each([
    ['a link to a file that is not there', '[x](docs/nothing.md)', 'there is no docs/nothing.md'],
    ['a picture that is not there', '![x](docs/nothing.png)', 'there is no docs/nothing.png'],
    ['a link in a table to a file that is not there', '| a |\n| --- |\n| [x](nothing.md) |', 'there is no nothing.md'],
    ['a reference to a file that is not there', '[x]\n\n[x]: nothing.md', 'there is no nothing.md'],
    ['a link to a heading that is not there', '# A heading\n\n[x](#a-headin)', 'has no heading #a-headin'],
    ['a link to a heading that another page lacks', '[x](docs/policies.md#no)', 'docs/policies.md has no heading #no'],
    ['a link to a heading of a file without any', '[x](LICENSE#mit)', 'only a page has headings'],
    ['a link out of the project', '[x](../other/README.md)', 'leads out of the project'],
    ['an address without TLS', '[x](http://example.com)', 'is no https address'],
    ['an address that is none', '[x](https://)', 'is no https address'],
    ['a script that is not there', '`npm run bnech -- load`', 'npm run bnech -- load: no such script'],
    ['a script without a name', '`npm run`', 'npm run: no such script'],
    ['a script after another command', '```sh\nnpm ci && npm run nothing\n```', 'npm run nothing: no such script'],
    ['a script behind an option', '`npm --silent run nothing`', 'npm --silent run nothing: no such script'],
    ['a command that npm does not have', '`npm strat`', 'npm strat: no such command'],
  ])('with %s', (_, markdown, fault) => {
    expect(faultsOf('README.md', markdown)).toEqual([expect.stringContaining(fault)]);
  });

  it.each([
    ['headings with code and marks', '## The `plan` of *one* device\n\n[x](#the-plan-of-one-device)'],
    ['headings that are there twice', '# A\n\n# A\n\n[x](#a-1)'],
    ['addresses', '<https://example.com/a>'],
    ['commands with options', '```sh\nnpm --silent start -- --once --json | jq .   # npm nothing\n```'],
  ])('but not with %s', (_, markdown) => {
    expect(faultsOf('README.md', markdown)).toEqual([]);
  });
});
