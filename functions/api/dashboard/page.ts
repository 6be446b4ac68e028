/**
 * Puts the page together from what is written in this folder: one document without any address but its own API's. The build copies the
 * folder and uPlot to `dashboard/` of the function app.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The document and the policy that lets a browser run just what is in it. */
export interface DashboardPage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/** The modules of the page, each after those that it imports. */
const modules = ['text', 'address', 'api', 'figure', 'charts', 'overview', 'rows', 'live', 'diff', 'details', 'main'];

/** @throws An `Error` that names the file where one cannot be part of a page. */
export function dashboardPage(): DashboardPage {
  // From this file's chunk in `chunks/` this is the function app's `dashboard/`.
  const folder = join(import.meta.dirname, '../dashboard');
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const uPlot = existsSync(join(folder, 'uPlot.min.css'))
    ? folder
    : join(createRequire(import.meta.url).resolve('uplot'), '..');
  const styles = [readFileSync(join(uPlot, 'uPlot.min.css'), 'utf8'), read('page.css')];
  const library = readFileSync(join(uPlot, 'uPlot.iife.min.js'), 'utf8');
  const own = `\n${modules.map((name) => inScope(name, read(`${name}.js`))).join('\n')}`;
  for (const text of [...styles, library, own]) {
    if (/<\/(?:script|style)|<!--/i.test(text)) {
      throw new Error(
        'A script or style of the dashboard holds what would end it within the page: write it otherwise.',
      );
    }
  }
  const html = read('page.html')
    .replace('<!-- styles -->', () => styles.map((style) => `<style>${style}</style>`).join('\n'))
    .replace('<!-- scripts -->', () => `<script>${library}</script>\n<script type="module">${own}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src ${hashes([library, own])}`,
    `style-src ${hashes(styles)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Then the browser itself refuses whatever would make markup of text.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return { html, contentSecurityPolicy: policy.join('; ') };
}

/** A module as a part of one script: a scope of its own, from whose exports the modules after it take what they import. */
function inScope(name: string, text: string): string {
  const exported: string[] = [];
  const body = text
    .replaceAll(/^import (\{[^}]*\}) from '\.\/(\w+)\.js';$/gm, 'const $1 = $2_module;')
    .replaceAll(/^export ((?:async function|function|class|const) (\w+))/gm, (_, declaration: string, its: string) => {
      exported.push(its);
      return declaration;
    });
  const left = /^(?:import|export)\b.*/m.exec(body)?.[0];
  if (left !== undefined)
    throw new Error(`functions/api/dashboard/${name}.js: "${left}" cannot be taken into one script.`);
  return `const ${name}_module = (() => {\n${body}\nreturn { ${exported.join(', ')} };\n})();`;
}

function hashes(texts: readonly string[]): string {
  return texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ');
}
