// Type-checks every folder that has a tsconfig.json: the root's configs, packages, tests, bench and examples, two at a
// time. `node scripts/typecheck.mjs [names…]`
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { node, root, stage, tool } from './lib/stage.mjs';

/** Type-checks the folders whose path contains one of `names` (all by default). @returns {Promise<boolean>} */
export async function typecheck(names = []) {
  const folders = ['packages', 'examples'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => `${parent}/${name}`),
  );
  const due = ['.', ...folders, 'tests', 'bench'].filter(
    (folder) =>
      existsSync(join(root, folder, 'tsconfig.json')) &&
      (names.length === 0 || names.some((name) => folder.includes(name))),
  );
  let ok = true;
  const next = async () => {
    for (let folder = due.shift(); folder; folder = due.shift()) {
      const project = join(root, folder, 'tsconfig.json');
      const result = await stage(`typecheck ${folder === '.' ? 'root' : folder}`, () =>
        node(tool('typescript/lib/tsc.js'), ['-p', project, '--pretty', 'false']),
      );
      ok &&= result.ok;
    }
  };
  await Promise.all([next(), next()]);
  return ok;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  process.exit((await typecheck(process.argv.slice(2))) ? 0 : 1);
