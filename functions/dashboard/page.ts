import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HttpResponseInit } from '@azure/functions';

/**
 * The HTML document of the dashboard, and its Content-Security-Policy. With this policy, a browser runs only the script and the styles
 * inside the document.
 */
export interface DashboardPage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/**
 * Reads the built files of the page from their folder, and puts the script and the styles into the HTML document.
 *
 * @throws An `Error` when a file is missing, or when the script or the styles contain text that would end their HTML element.
 */
export async function readPage(folder: string): Promise<DashboardPage> {
  const read = (name: string) => readBuilt(join(folder, name));
  const [document, script, style] = await Promise.all([read('index.html'), read('main.js'), read('main.css')]);
  const html = document
    .replace('<!-- style -->', () => `<style>${checked(style, 'main.css')}</style>`)
    .replace('<!-- script -->', () => `<script type="module">${checked(script, 'main.js')}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // With Trusted Types, the browser refuses to turn a string into HTML or into a script.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return { html, contentSecurityPolicy: policy.join('; ') };
}

const pages = new Map<string, Promise<DashboardPage>>();

/** The page of a folder, which is read once. A failed read is tried again with the next request. */
function pageOf(folder: string): Promise<DashboardPage> {
  const known = pages.get(folder);
  if (known !== undefined) return known;
  const page = readPage(folder);
  pages.set(folder, page);
  page.catch(() => pages.delete(folder));
  return page;
}

/** Answers with the page whose built files are in `folder`. `userName` is the operator who has signed in, if one has. */
export async function answerDashboard(folder: string, userName?: string): Promise<HttpResponseInit> {
  const { html, contentSecurityPolicy } = await pageOf(folder);
  return {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      // The address of the page can contain a function key, so the browser must not send this address to other sites.
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
    },
    body: userName === undefined ? html : html.replace('<!-- user -->', () => escapeHtml(`Signed in as ${userName}`)),
  };
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

async function readBuilt(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`The dashboard cannot read ${file}: run \`npm run build\`.`, { cause });
  }
}

function checked(text: string, name: string): string {
  const end = /<\/(?:script|style)|<!--/i.exec(text)?.[0];
  if (end === undefined) return text;
  throw new Error(`The dashboard's ${name} contains "${end}", which would end its element: write it as an escape.`);
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
