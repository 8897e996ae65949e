// Atomic writing of files: to a temporary file, synced, then renamed. Also reads the external files that a model names.
import { open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, isAbsolute, sep } from 'node:path';
import { externalLocations, ForjaError, ModelFormatError } from '@forja/core';
import { isSafeLocation } from '@forja/core/onnx';
import { makeFolder } from '@forja/node/cli';

/** Writes `content` to `path` atomically. */
export async function writeFileSafely(path: string, content: string | Uint8Array): Promise<void> {
  await writeFilesSafely([[path, content]]);
}

/**
 * Writes files that belong together: all to temporary files first, then renamed in order, so that the last one never
 * exists without the others.
 */
export async function writeFilesSafely(
  files: readonly (readonly [path: string, content: string | Uint8Array])[],
): Promise<void> {
  const aside = (path: string): string => `${path}.${process.pid}.tmp`;
  try {
    for (const [path, content] of files) {
      await makeFolder(dirname(path));
      const file = await open(aside(path), 'w');
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
    }
    for (const [path] of files) await rename(aside(path), path);
  } catch (error) {
    await Promise.all(files.map(([path]) => rm(aside(path), { force: true })));
    throw error;
  }
}

/**
 * The external weight files of the model at `path`, by location. Models are not trusted, so these must be in the
 * model's folder, after following symbolic links.
 * @throws ModelFormatError `model.format` for a file outside, `model.notFound` for a missing one.
 */
export async function readWeightFiles(path: string, bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const folder = await realpath(dirname(path));
  for (const location of externalLocations(bytes)) {
    const outside = new ModelFormatError(
      'model.format',
      `${path}: expected external data inside the model's folder, got ${JSON.stringify(location)}; refused`,
    );
    if (!isSafeLocation(location)) throw outside;
    const real = await realpath(join(folder, location)).catch((cause: unknown) => {
      throw new ModelFormatError(
        'model.notFound',
        `${path}: expected its external data ${JSON.stringify(location)} in the same folder, got no such file`,
        { cause },
      );
    });
    const way = relative(folder, real);
    if (way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) throw outside;
    files.set(
      location,
      await readFile(real).catch((cause: Error) => {
        throw new ForjaError('io', `${real}: could not be read: ${cause.message}`, { cause });
      }),
    );
  }
  return files;
}
