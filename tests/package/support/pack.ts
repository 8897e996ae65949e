// Global set-up of the project `package`: packs the four packages as for publishing, into a folder provided to the
// tests.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

/** The published packages, in build order. */
export const packages = ['core', 'node', 'web', 'trainer'] as const;

/** The repository's root folder. */
export const root: string = fileURLToPath(new URL('../../..', import.meta.url));

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of each package's tarball, by short name. */
    tarballs: Record<string, string>;
  }
}

/** Packs the built packages into `folder`, which is emptied; path of each tarball by short name. */
export function packAll(folder: string): Record<string, string> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { packageManager: string };
  for (const name of packages) {
    const cwd = join(root, 'packages', name);
    if (!existsSync(join(cwd, 'dist', 'index.js')))
      throw new Error(`tests/package: expected packages/${name}/dist, got nothing: run \`npm run build\` first`);
    execFileSync('npx', ['-y', packageManager, 'pack', '--pack-destination', folder], {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      shell: process.platform === 'win32',
    });
  }
  const find = (name: string): string =>
    join(folder, readdirSync(folder).find((file) => file.startsWith(`forja-${name}-`)) ?? 'missing');
  return Object.fromEntries(packages.map((name) => [name, find(name)]));
}

export default function setup(project: TestProject): void {
  project.provide('tarballs', packAll(join(root, 'node_modules', '.cache', 'forja', 'tarballs')));
}
