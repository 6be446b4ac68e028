import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * Has imports from a folder's `index.ts` go to the very files that are meant. The bundler divides an app by files: all that an index
 * names would go to where any of it is needed, and an app that starts would bring along what it needs much later.
 */
export const directImports: Plugin = {
  name: 'direct-imports',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](?:functions|shared)[\\/].*\.ts$/ }, async ({ path }) => ({
      loader: 'ts',
      contents: await withDirectImports(await readFile(path, 'utf8'), dirname(path)),
    }));
  },
};

const importFromIndex = /^import \{([^}]*)\} from '(\.[^']*\/index\.ts)';$/gm;
const exportFrom = /^export \{([^}]*)\} from '(\.[^']*)';$/gm;

async function withDirectImports(source: string, folder: string): Promise<string> {
  let direct = source;
  for (const [statement, names = '', index = ''] of source.matchAll(importFromIndex)) {
    const file = join(folder, index);
    const imports = await Promise.all(
      specifiers(names).map(async ({ name, as }) => {
        const from = (await origin(name, file)) ?? { name, file };
        return `import { ${from.name} as ${as} } from ${JSON.stringify(from.file)};`;
      }),
    );
    direct = direct.replace(statement, () => imports.join(' '));
  }
  return direct;
}

interface Origin {
  readonly name: string;
  readonly file: string;
}

/** Where what an index exports under a name comes from; `undefined` when it does not say so in the plainest way. */
async function origin(name: string, index: string): Promise<Origin | undefined> {
  for (const [, names = '', from = ''] of (await readFile(index, 'utf8')).matchAll(exportFrom)) {
    const exported = specifiers(names).find(({ as }) => as === name);
    if (exported === undefined) continue;
    const file = join(dirname(index), from);
    const found = { name: exported.name, file };
    return from.endsWith('/index.ts') ? ((await origin(exported.name, file)) ?? found) : found;
  }
  return undefined;
}

/** What stands between the braces of an import or export, but for types. */
function specifiers(names: string): readonly { readonly name: string; readonly as: string }[] {
  return names
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && !part.startsWith('type '))
    .map((part) => {
      const [name = '', as = name] = part.split(' as ');
      return { name, as };
    });
}
