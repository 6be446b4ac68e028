import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The document, and the policy that lets a browser run only the document's own script and styles. */
export interface DashboardPage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/**
 * Reads the built page from its folder, and puts script and styles into the document.
 *
 * @throws An `Error` where a file is missing, or where a script or style contains text that would end its element.
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
    // The browser refuses to turn text into markup.
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
