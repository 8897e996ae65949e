// Files written so that a crash never leaves half of one: aside, synced, then renamed.
import { open, rename, rm } from 'node:fs/promises';

/** Writes `content` to `path` or leaves what was there. */
export async function writeFileSafely(path: string, content: string | Uint8Array): Promise<void> {
  const aside = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(aside, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}
