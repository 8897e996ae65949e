// Writes a model card next to its model, but never over one that was edited or belongs to another model.
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isUntouched, modelCard, type CardSource } from '../export/model-card.js';
import { writeFileSafely } from './files.js';

/**
 * Writes `MODEL_CARD.md` next to the ONNX file `out`. If there is one that was edited or belongs to another file,
 * writes `<name>.MODEL_CARD.md` instead; if that was edited too, writes nothing. Returns the path written, if any.
 */
export async function writeCard(out: string, source: Omit<CardSource, 'file'>): Promise<string | undefined> {
  const file = basename(out);
  for (const name of ['MODEL_CARD.md', `${file.replace(/\.onnx$/i, '')}.MODEL_CARD.md`]) {
    const path = join(dirname(out), name);
    const there = await readFile(path, 'utf8').catch(() => undefined);
    if (there !== undefined && !(await isUntouched(there, file))) continue;
    await writeFileSafely(path, await modelCard({ ...source, file }));
    return path;
  }
  return undefined;
}
