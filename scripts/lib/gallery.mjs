// The generators that the gallery shows.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './stage.mjs';

/** Tells the build of examples/gallery which files to show: those of generators/, then `more`, which are paths. */
export function showInGallery(more = []) {
  const committed = readdirSync(join(root, 'generators')).filter((name) => /(?<!\.discriminator)\.onnx$/.test(name));
  process.env.FORJA_GALLERY = JSON.stringify([
    ...committed.sort().map((name) => join(root, 'generators', name)),
    ...more,
  ]);
}
