// The second engine: the same step run by tfjs itself, kernel by kernel, on its current backend. The reference for the
// compiled one, and `engine: 'tfjs'`.
import {
  disposable,
  ForjaError,
  optionsOf,
  UsageError,
  checkTensor,
  type NamedTensors,
  type Tensor,
} from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { withGradients } from '../gradients/index.js';
import { withoutChance } from '../trace/chance.js';
import { withRandom } from '../trace/random.js';
import { checkedResults } from '../trace/trace.js';
import { dataOf } from '../program/program.js';
import { checkStep, drawInputs, feedTensors, randomInputs, traceInputs } from './inputs.js';
import { readVariable, writeVariable } from './state.js';
import type { CompiledStep, StepFunction, StepOptions } from './step.js';

/**
 * A step that runs eagerly, with Forja's gradients. Its state *is* `variables`, which must list every variable that the
 * step changes; `writeVariables` has nothing to do. Random inputs, `random.*` and dropout draw the numbers that the
 * compiled step draws; other random numbers are refused, as `compile` refuses them.
 */
export function eagerStep(step: StepFunction, options: StepOptions): CompiledStep {
  const {
    seed = 0,
    variables = [],
    name,
  } = optionsOf(
    'eagerStep',
    options as StepOptions & { step?: StepFunction }, // phaseStep's result also contains the step
    'inputs name seed step variables',
  );
  checkStep('eagerStep', step, options.inputs);
  const inputs = traceInputs(options.inputs);
  const draws = randomInputs(inputs, name);
  const byName = new Map(variables.map((variable) => [variable.name, variable]));
  if (byName.size !== variables.length) throw new UsageError('eagerStep: expected variables of different names');
  let disposed = false;

  const open = (): void => {
    if (disposed) throw new ForjaError('disposed', 'step: expected a live step, got a disposed one');
  };
  const find = (name: string): tf.Variable => {
    const variable = byName.get(name);
    if (variable === undefined)
      throw new UsageError(
        `state.${name}: expected one of ${[...byName.keys()].join(', ') || '(this step has no state)'}`,
      );
    return variable;
  };
  const once = (feeds: NamedTensors, at: number): NamedTensors => {
    const results: NamedTensors = {};
    tf.tidy(() => {
      const tensors = Object.fromEntries(
        Object.entries({ ...feeds, ...drawInputs(draws, seed, at) }).map(([name, value]) => [name, toTf(value)]),
      );
      const made = withGradients(() =>
        withRandom({ seed, step: at, stream: draws.length, ...(name === undefined ? {} : { name }) }, () =>
          withoutChance(() => step(tensors)),
        ),
      );
      for (const [name, value] of Object.entries(checkedResults('eagerStep', made)))
        results[name] = { shape: [...value.shape], ...typed(value) };
    });
    return results;
  };

  // Everything happens synchronously in the call; the promises give both engines one interface.
  const settled = <T>(fn: () => T): Promise<T> => new Promise((resolve) => resolve(fn()));
  const compiled: Omit<CompiledStep, typeof Symbol.asyncDispose> = {
    step: 0,
    run: (given = {}) =>
      settled(() => {
        open();
        const results = once(feedTensors(inputs, given), compiled.step);
        compiled.step++;
        return results;
      }),
    runMany: async (given) => {
      const results: NamedTensors[] = [];
      for (const one of given) results.push(await compiled.run(one));
      return results;
    },
    state: (names = [...byName.keys()]) =>
      settled(() => {
        open();
        return Object.fromEntries(names.map((name) => [name, readVariable(find(name))]));
      }),
    load: (state) =>
      settled(() => {
        open();
        for (const [name, value] of Object.entries(state)) {
          const { dtype, shape } = readVariable(find(name));
          checkTensor(`load.${name}`, { dtype, shape }, value);
        }
        for (const [name, value] of Object.entries(state)) writeVariable(find(name), value);
      }),
    writeVariables: () => settled(open),
    onnx: () => {
      throw new UsageError(
        "onnx: expected a compiled step, got an eager one (engine 'tfjs'), which has no graph; use compile()",
      );
    },
    summary: {
      engine: 'tfjs',
      calls: 0,
      kernels: {},
      nodes: 0,
      ops: {},
      traceMs: 0,
      lowerMs: 0,
      createMs: 0,
      stepsPerRun: 1,
    },
    dispose: () => settled(() => void (disposed = true)),
  };
  return disposable(compiled);
}

function toTf(value: Tensor): tf.Tensor {
  const data = value.data as Float32Array | Int32Array | Uint8Array; // feeds have these dtypes only
  return tf.tensor(
    data.slice(),
    value.shape,
    value.dtype === 'int32' || value.dtype === 'bool' ? value.dtype : 'float32',
  );
}

function typed(value: tf.Tensor): Pick<Tensor, 'dtype' | 'data'> {
  const dtype = value.dtype === 'int32' || value.dtype === 'bool' ? value.dtype : 'float32';
  return { dtype, data: dataOf(value.dataSync(), dtype) };
}
