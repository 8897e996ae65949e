// Bundles npm packages from a folder outside the repository for a page: `<site>/peers/<name>.js` and their .wasm files.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const PACKAGES = { litert: '@litertjs/core', jax: '@jax-js/jax' };

/** Returns, by name, `{ version, id }`, or `{ reason, install }` if the folder lacks the package. */
export async function bundlePeers(site, from) {
  const made = {};
  for (const [name, id] of Object.entries(PACKAGES)) {
    const folder = join(from ?? '', 'node_modules', id);
    const missing = from === undefined ? '--from is not given' : existsSync(folder) ? undefined : 'not installed there';
    if (missing !== undefined) {
      made[name] = { reason: missing, install: `npm install --prefix <folder> ${id}, then --from <folder>` };
      continue;
    }
    await build({
      stdin: { contents: `export * from '${id}'`, resolveDir: from },
      bundle: true,
      format: 'esm',
      target: 'es2022',
      logLevel: 'error',
      outfile: join(site, 'peers', `${name}.js`),
    });
    if (existsSync(join(folder, 'wasm'))) cpSync(join(folder, 'wasm'), join(site, 'peers', name), { recursive: true });
    made[name] = { version: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version, id };
  }
  return made;
}
