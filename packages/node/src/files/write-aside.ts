// Writes files under a temporary name and renames them, so that a failure leaves the old file.
import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ForjaError } from '@forja/core';
import { makeFolder } from './make-folder.js';
import { reasonOf } from './reason.js';

/**
 * Writes a file under a temporary name and renames it; makes the folder if needed. A failure throws ForjaError `io` and
 * leaves an older file untouched.
 */
export async function writeAside(path: string, bytes: Uint8Array | string): Promise<void> {
  const aside = join(dirname(path), `.${basename(path).slice(0, 60)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await makeFolder(dirname(path));
    await writeFile(aside, bytes);
    await rename(aside, path);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw new ForjaError('io', `cannot write ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Synchronous {@link writeAside}, into an existing folder. For many small files it is faster, because passing each one
 * to Node's threads takes longer than writing it.
 */
export function writeAsideNow(path: string, bytes: Uint8Array): void {
  const aside = join(dirname(path), `.${basename(path).slice(0, 60)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    writeFileSync(aside, bytes);
    renameSync(aside, path);
  } catch (cause) {
    rmSync(aside, { force: true });
    throw new ForjaError('io', `cannot write ${path}: ${reasonOf(cause)}`, { cause });
  }
}
