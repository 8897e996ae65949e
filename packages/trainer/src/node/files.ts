// Atomic writing of files: to a temporary file, synced, then renamed.
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
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
