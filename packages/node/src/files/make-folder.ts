// Makes a folder with its parents. Node's own `mkdir` with `recursive` never returns for a path inside a folder in
// which no folder can be created, such as /proc.
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../has-code.js';

/** Makes the folder and its parents where they are missing. Throws the system's error. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (await isFolder(path)) return;
    const parent = dirname(path);
    if (!hasCode(error, 'ENOENT') || parent === path) throw error;
    await makeFolder(parent);
    await mkdir(path).catch(async (second: unknown) => {
      if (!(await isFolder(path))) throw second; // another process may have made it
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}
