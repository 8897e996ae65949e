// Type-checks every folder that has a tsconfig.json: the root's configs, packages, tests, bench and examples. Two run
// at a time, and no file is checked twice. `node scripts/typecheck.mjs [names…]`
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { node, root, stage } from './lib/stage.mjs';

/** Type-checks the folders whose path contains one of `names` (all by default). @returns {Promise<boolean>} */
export async function typecheck(names = []) {
  const folders = ['packages', 'examples'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => `${parent}/${name}`),
  );
  // Those that take longest come first.
  const all = ['tests', ...folders, 'bench', '.'].filter((folder) => existsSync(join(root, folder, 'tsconfig.json')));
  const due = all.filter((folder) => names.length === 0 || names.some((name) => folder.includes(name)));
  let ok = true;
  const next = async () => {
    for (let folder = due.shift(); folder; folder = due.shift()) {
      const others = all.filter((other) => other !== folder);
      const result = await stage(`typecheck ${folder === '.' ? 'root' : folder}`, () =>
        node(join(root, 'scripts', 'lib', 'check-types.mjs'), [folder, ...others]),
      );
      ok &&= result.ok;
    }
  };
  await Promise.all([next(), next()]);
  return ok;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  process.exit((await typecheck(process.argv.slice(2))) ? 0 : 1);
