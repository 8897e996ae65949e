// Writes a model into a repository: <folder>/<name>/<version>/model.onnx with its external data, and the server's
// additional files.
import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkIntegrity, ForjaError, ModelFormatError, readManifest, UsageError } from '@forja/core';
import { decodeModel } from '@forja/core/onnx';
import { sha256 } from '../files/hash.js';
import { makeFolder } from '../files/make-folder.js';
import { readModel } from '../files/read.js';
import { portsOf, type RepositoryOptions } from './config.js';
import type { ServerName } from './server-names.js';
import { SERVERS } from './servers.js';
import { reasonOf } from '../files/reason.js';
import { writeAside } from '../files/write-aside.js';

/** Description of the written model. */
export interface RepositoryEntry {
  name: string;
  version: number;
  files: string[];
  /** Whether the server may put several requests into one run. */
  batched: boolean;
}

/**
 * Writes the model of `path`, checked against its manifest. Throws `usage` if that version exists already. A failure
 * leaves no folder of that version behind.
 */
export async function writeEntry(
  path: string,
  folder: string,
  version: number,
  server: ServerName,
  options: RepositoryOptions,
): Promise<RepositoryEntry> {
  const { bytes, external, where } = await readModel(path, {});
  const manifest = readManifest(bytes);
  if (manifest) await checkIntegrity(bytes, manifest, sha256, external);
  const { graph } = decodeModel(bytes);
  if (!graph) throw new ModelFormatError('model.format', `${where}: expected an ONNX model with a graph, got none`);
  const { batched } = portsOf(graph, options.maxBatch);
  const size = [...external.values()].reduce((sum, { length }) => sum + length, bytes.length);
  const texts = await SERVERS[server].files(graph, manifest, version, options, size);
  const home = join(folder, options.name);
  const place = join(home, String(version));
  if (existsSync(place))
    throw new UsageError(
      `export-repository: expected no version ${version} of '${options.name}', got ${place}; use ` +
        `--model-version ${version + 1}`,
    );
  const aside = `${place}.tmp`;
  try {
    await rm(aside, { recursive: true, force: true });
    await makeFolder(aside);
    await writeFile(join(aside, 'model.onnx'), bytes);
    for (const [location, data] of external) {
      await makeFolder(dirname(join(aside, location))); // `readModel` checked the location
      await writeFile(join(aside, location), data);
    }
    for (const { path: at, text, theirs } of texts)
      if (!theirs || !existsSync(join(folder, at))) await writeAside(join(folder, at), text);
    await rename(aside, place); // last, so that a polling server finds it complete
  } catch (cause) {
    await rm(aside, { recursive: true, force: true }).catch(() => undefined);
    throw cause instanceof ForjaError
      ? cause
      : new ForjaError('io', `cannot write ${place}: ${reasonOf(cause)}`, { cause });
  }
  return {
    name: options.name,
    version,
    files: [
      ...texts.map(({ path: at }) => join(folder, at)),
      join(place, 'model.onnx'),
      ...[...external.keys()].map((location) => join(place, location)),
    ],
    batched,
  };
}
