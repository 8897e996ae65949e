// Third-party models on npm, as folders with a model.json. Some packages have them as JavaScript, which is unpacked
// here.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** A file of an installed package, regardless of its `exports`. */
export function packaged(name: string, path: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return require.resolve(join(folder, name, path));
    } catch {
      // the next folder up
    }
  }
  throw new Error(`expected ${name} to be installed, with ${path}`);
}

/** The model.json of nsfwjs's model: its package carries it as scripts, weights in base64. */
export async function nsfwModel(
  name: 'mobilenet_v2' | 'mobilenet_v2_mid' | 'inception_v3',
): Promise<{ path: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'forja-nsfw-'));
  const script = (file: string): unknown => require(packaged('nsfwjs', `dist/models/${name}/${file}.min.js`));
  const json = script('model') as { weightsManifest: { paths: string[] }[] };
  const path = join(folder, 'model.json');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(json));
  for (const file of json.weightsManifest.flatMap(({ paths }) => paths))
    await writeFile(
      join(folder, file),
      Buffer.from(String((script(file) as { default?: string }).default ?? script(file)), 'base64'),
    );
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}
