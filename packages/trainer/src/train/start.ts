// Starts a run with the state of another: fine-tuning, or training in stages.
import { UsageError } from '@forja/core';
import { decodeCheckpoint } from '../records/checkpoint.js';
import { variablesOf } from '../tfjs/variables.js';
import type { GanSystem } from '../systems/system.js';
import type { Engine } from './engine.js';

/**
 * Loads into `engine` the tensors of a checkpoint that the system also has, by name and shape, including moments and
 * averages. Networks that the checkpoint lacks stay unchanged. Returns a message.
 * @throws UsageError `config.invalid` for a network of other sizes, or a checkpoint with none of the system's networks.
 */
export async function startFrom(engine: Engine, system: GanSystem, bytes: Uint8Array): Promise<string> {
  const { state: theirs, system: name, step } = await decodeCheckpoint(bytes, 'config.start');
  const own = await engine.state();
  const fits = Object.keys(own).filter((key) => String(theirs[key]?.shape) === String(own[key]?.shape));
  const refuse = (what: string): never => {
    throw new UsageError(`config.start: expected ${what}; use the sizes of the run that wrote it`, {
      code: 'config.invalid',
    });
  };
  const roles: string[] = [];
  for (const [role, model] of Object.entries(system.networks)) {
    const weights = variablesOf(model.weights).map((variable) => variable.name);
    const other = weights.find((key) => !fits.includes(key));
    if (other === undefined) roles.push(role);
    else if (weights.some((key) => theirs[key] !== undefined))
      refuse(
        `the network ${role} of '${name}' to be the one here, got '${other}' of shape ` +
          `[${theirs[other]?.shape.join(', ') ?? 'none'}] where [${own[other]?.shape.join(', ') ?? ''}] is needed`,
      );
  }
  if (roles.length === 0)
    refuse(
      `a checkpoint with one of the networks ${Object.keys(system.networks).join(', ')} of '${system.name}', got ` +
        `one of '${name}' with none of them`,
    );
  await engine.load({ ...own, ...Object.fromEntries(fits.map((key) => [key, theirs[key] ?? own[key]!])) });
  const left = Object.keys(own).length - fits.length;
  return (
    `started with ${fits.length} tensors of step ${step} of '${name}' (networks ` +
    `${roles.join(', ')})${left > 0 ? `; ${left} are new` : ''}`
  );
}
