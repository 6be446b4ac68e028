/** Compiles the Bicep files of `infra/azure/`, and writes the results beside them: `npm run bicep`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../local/project.ts';
import { compileTemplate } from './azure-template.ts';
import { bicepAdvice, bicepCompiler } from './bicep-compiler.ts';

const compiler = await bicepCompiler();
if (compiler === undefined) throw new Error(bicepAdvice);
const folder = join(projectRoot(), 'infra/azure');
for (const [name, text] of Object.entries(await compileTemplate(compiler, folder))) {
  await writeFile(join(folder, name), text);
}
