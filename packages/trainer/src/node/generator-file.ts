// The exported generator in the folder of a run.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** `generator.onnx`, else the first exported file of the last step; undefined if the run has exported none. */
export async function generatorFile(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const models = names.filter((name) => name.endsWith('.onnx') && !name.startsWith('best-')).sort();
  const model = models.find((name) => name === 'generator.onnx') ?? models[0];
  return model === undefined ? undefined : join(folder, model);
}
