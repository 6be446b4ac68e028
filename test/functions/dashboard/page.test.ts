import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPage } from '../../../functions/dashboard/page.ts';
import { buildDashboardPage } from '../../../infra/build/dashboard-page.ts';

describe('the page of the dashboard', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twinkeeper-page-'));
    await buildDashboardPage(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is one document that loads nothing from elsewhere', async () => {
    const { html } = await readPage(folder);
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).not.toMatch(
      /<(?:script|img|iframe|object)[^>]*\ssrc=|<link[^>]*href="(?!data:)|@import|sourceMappingURL/,
    );
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html.match(/<style/g)).toHaveLength(1);
  });

  it('lets a browser run its own script and styles only', async () => {
    const { html, contentSecurityPolicy } = await readPage(folder);
    const hashOf = (element: RegExp) => {
      const text = element.exec(html)?.[1] ?? '';
      expect(text.length).toBeGreaterThan(1_000);
      return createHash('sha256').update(text).digest('base64');
    };
    expect(contentSecurityPolicy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src 'sha256-${hashOf(/<script type="module">(.*?)<\/script>/s)}'`,
      `style-src 'sha256-${hashOf(/<style>(.*?)<\/style>/s)}'`,
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });

  it('has a source map beside its script', async () => {
    const map = JSON.parse(await readFile(join(folder, 'main.js.map'), 'utf8')) as { readonly sources: string[] };
    expect(map.sources.some((source) => source.endsWith('functions/dashboard/page/main.ts'))).toBe(true);
  });

  it.each(['main.js', 'main.css', 'index.html'])('says what to do when %s is missing', async (name) => {
    await rm(join(folder, name));
    await expect(readPage(folder)).rejects.toThrow(`${join(folder, name)}: run \`npm run build\`.`);
  });

  it.each(['</script', '</STYLE', '<!--'])('refuses a script or style that contains %s', async (end) => {
    for (const name of ['main.js', 'main.css']) {
      const file = join(folder, name);
      const text = await readFile(file, 'utf8');
      await writeFile(file, `${text}/* ${end}> */`);
      await expect(readPage(folder)).rejects.toThrow(`The dashboard's ${name} contains "${end}"`);
      await writeFile(file, text);
    }
  });
});
