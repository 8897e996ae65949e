// Versions and hardware that the bits of a run depend on, as Node knows them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform } from 'node:os';
import type { Environment } from '../records/checkpoint.js';

/** The environment of this process. */
export function nodeEnvironment(): Environment {
  return {
    node: process.version,
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    onnxruntime: versionOf('onnxruntime-node'),
  };
}

function versionOf(name: string): string {
  try {
    // As @forja/node finds it, which has it as a peer; its package.json is not exported by every version, so read it by
    // path.
    const found = createRequire(createRequire(import.meta.url).resolve('@forja/node/package.json')).resolve(
      `${name}/package.json`,
    );
    return (JSON.parse(readFileSync(found, 'utf8')) as { version: string }).version; // npm demands the field
  } catch {
    return 'unknown';
  }
}
