import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

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
