// The commands of @forja/trainer, which is not a dependency: it is looked up from the user's folder, then from here.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ForjaError, UsageError, type CliCommand } from '@forja/core';

/** Names of the trainer's commands, for help if it is not installed. */
export const TRAINER_NAMES: readonly string[] = ['train', 'evaluate', 'runs', 'export', 'verify', 'augment'];

/** The command that installs the trainer. */
export const INSTALL = 'npm install @forja/trainer @tensorflow/tfjs';

/**
 * The trainer's commands; undefined if it is not installed. Throws UsageError if it is installed without one of its
 * peers.
 */
export async function trainerCommands(cwd: string): Promise<readonly CliCommand[] | undefined> {
  const module = await trainerModule(cwd);
  return module && (module.commands ?? []);
}

/** The exports of `@forja/trainer/node` that are used here; an older version may lack some. */
interface TrainerModule {
  commands?: readonly CliCommand[];
  dataPackages?: readonly { data: string; packages: readonly string[] }[];
}

/** The trainer; undefined if it is not installed. Throws as {@link trainerCommands} does. */
export async function trainerModule(cwd: string): Promise<TrainerModule | undefined> {
  const file = [join(cwd, 'index.js'), import.meta.url].map(resolved).find((path) => path !== undefined);
  if (file === undefined) return undefined;
  try {
    return (await import(pathToFileURL(file).href)) as TrainerModule;
  } catch (cause) {
    const missing = /Cannot find (?:package|module) '([^']+)'/.exec(cause instanceof Error ? cause.message : '')?.[1];
    if (missing === undefined)
      throw new ForjaError(
        'internal',
        `@forja/trainer: cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    throw new UsageError(`@forja/trainer: expected '${missing}' to be installed too: ${INSTALL}`, { cause });
  }
}

/** The error for a trainer's command if the trainer is not installed. */
export function trainerMissing(name: string): UsageError {
  return new UsageError(`${name}: expected @forja/trainer to be installed: ${INSTALL}`);
}

function resolved(from: string): string | undefined {
  try {
    return createRequire(from).resolve('@forja/trainer/node');
  } catch {
    return undefined; // not installed, or not built
  }
}
