// Versions and hardware on which the bits of a run depend.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform } from 'node:os';
import type { Environment } from '../records/checkpoint-head.js';

/** The environment of this process. */
export function nodeEnvironment(): Environment {
  return {
    node: process.version,
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    onnxruntime: versionOf('onnxruntime-node'),
  };
}

/** The largest resident set of this process so far, in bytes. */
export function peakMemory(): number {
  return 1024 * process.resourceUsage().maxRSS; // in KiB on every platform
}

function versionOf(name: string): string {
  try {
    // Resolved from @forja/node, which has it as a peer dependency; read by path, because not every version exports its
    // package.json.
    const found = createRequire(createRequire(import.meta.url).resolve('@forja/node/package.json')).resolve(
      `${name}/package.json`,
    );
    return (JSON.parse(readFileSync(found, 'utf8')) as { version: string }).version; // npm requires the field
  } catch {
    return 'unknown';
  }
}
