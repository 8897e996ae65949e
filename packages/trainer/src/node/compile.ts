// compile() in Node: on @forja/node unless the caller gives a runtime.
import { runtime as nodeRuntime } from '@forja/node';
import { compile as compileAnywhere } from '../compile/compile.js';
import type { CompiledStep, CompileOptions, StepFunction } from '../compile/step.js';

/**
 * Options of {@link compile}; `runtime` defaults to the CPU in a worker thread of the step's own, which ends with it.
 */
export type NodeCompileOptions = Omit<CompileOptions, 'runtime'> & Partial<Pick<CompileOptions, 'runtime'>>;

/** As `compile` of `@forja/trainer`; without `runtime` the step runs on the CPU in a worker thread. */
export async function compile(step: StepFunction, { runtime, ...options }: NodeCompileOptions): Promise<CompiledStep> {
  if (runtime !== undefined) return compileAnywhere(step, { ...options, runtime });
  const own = nodeRuntime({ device: 'cpu' });
  try {
    const compiled = await compileAnywhere(step, { ...options, runtime: own });
    const { dispose } = compiled;
    return Object.assign(compiled, {
      dispose: async () => {
        await dispose();
        await own.dispose();
      },
    });
  } catch (error) {
    await own.dispose();
    throw error;
  }
}
