// compile() in Node: steps run on @forja/node unless the caller gives a runtime.
import { runtime as nodeRuntime } from '@forja/node';
import { optionsOf, type Runtime } from '@forja/core';
import { compileAll as compileAllAnywhere } from '../compile/compile.js';
import type { CompileAllOptions, CompiledStep, CompileOptions, StepDefinition, StepFunction } from '../compile/step.js';

type WithoutRuntime<T extends { runtime: Runtime }> = Omit<T, 'runtime'> & Partial<Pick<T, 'runtime'>>;

/**
 * Options of {@link compile}; `runtime` defaults to the CPU in a new worker thread, which ends with the step. To share
 * state, give steps the same `runtime`, or use {@link compileAll}.
 */
export type NodeCompileOptions = WithoutRuntime<CompileOptions>;

/** Options of {@link compileAll}; `runtime` defaults to the CPU in a worker thread that ends with the last step. */
export type NodeCompileAllOptions = WithoutRuntime<CompileAllOptions>;

/** Like `compile` of `@forja/trainer`; without `runtime` the step runs on the CPU in a worker thread. */
export async function compile(step: StepFunction, given: NodeCompileOptions): Promise<CompiledStep> {
  const { runtime, ...options } = optionsOf('compile', given);
  return (await compileAll({ step: { ...options, step } }, runtime === undefined ? {} : { runtime })).step;
}

/** Like `compileAll` of `@forja/trainer`; without `runtime` the steps run on the CPU in one worker thread. */
export async function compileAll<K extends string>(
  steps: Readonly<Record<K, StepDefinition>>,
  given: NodeCompileAllOptions = {},
): Promise<Record<K, CompiledStep>> {
  const { runtime, ...options } = optionsOf('compile', given);
  if (runtime !== undefined) return compileAllAnywhere(steps, { ...options, runtime });
  const own = nodeRuntime({ device: 'cpu' });
  try {
    const compiled = await compileAllAnywhere(steps, { ...options, runtime: own });
    const left = new Set<CompiledStep>(Object.values(compiled));
    for (const step of [...left]) {
      const { dispose } = step;
      step.dispose = async () => {
        await dispose();
        left.delete(step);
        if (left.size === 0) await own.dispose();
      };
    }
    return compiled;
  } catch (error) {
    await own.dispose();
    throw error;
  }
}
