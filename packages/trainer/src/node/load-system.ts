// Loads a user's system: the default export of a module.
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeValue, UsageError } from '@forja/core';
import type { SystemKind } from '../systems/kind.js';

/** True if an argument of the command line is a module. */
export const isModule = (word: string): boolean => /\.(mjs|js|mts|ts)$/.test(word);

/**
 * The system that `path` exports by default.
 * @throws UsageError for a module that is missing, fails, or exports something else.
 */
export async function loadSystem(path: string, cwd: string): Promise<SystemKind> {
  const where = resolve(cwd, path);
  await access(where).catch(() => {
    throw new UsageError(`train: expected a module with a system, got nothing at ${where}`);
  });
  const module = (await import(pathToFileURL(where).href).catch((cause: unknown) => {
    throw new UsageError(`train: could not load ${where}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  })) as { default?: unknown };
  const found = module.default as Partial<SystemKind> | undefined;
  const lacks = (['name', 'options', 'data', 'make'] as const).find((field) => found?.[field] === undefined);
  if (found === undefined || found === null || lacks !== undefined)
    throw new UsageError(
      `${where}: expected a system as default export (systemKind({ name, options, data, roles, make })), got ${
        found === undefined ? 'no default export' : `${describeValue(found)} without '${lacks ?? ''}'`
      }`,
    );
  return { summary: '', roles: [], ...found } as SystemKind; // the required fields are present
}
