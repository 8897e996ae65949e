// compile(): trace the step once, rewrite and lower the program, and keep its state in a session of the runtime.
import { UsageError, type Runtime, type Tensor } from '@forja/core';
import { encodeModel } from '@forja/core/onnx';
import type * as tf from '@tensorflow/tfjs';
import { explain } from '../lower/fast/plan.js';
import { lowerProgram } from '../lower/lower.js';
import { optimize } from '../rewrite/optimize.js';
import type { Program } from '../trace/program.js';
import { refuseBakedRandomness } from '../trace/baked.js';
import { trace, type Trace } from '../trace/trace.js';
import { drawInputs, feedTensors, traceInputs, type RandomInput } from './inputs.js';
import { StateLayouts, writeVariable } from './state.js';
import type { CompiledStep, CompileOptions, StepFunction } from './step.js';

/**
 * Compiles a step to one ONNX graph. It starts at the variables' present values and leaves them alone until `writeVariables`.
 * The step is traced with Forja's gradients, at exactly the sizes of `inputs`. One step should run at a time in a process: each session has threads of its own.
 * The step function runs twice while it is traced, which shows numbers that tfjs draws in it: they would be the same at every step.
 * @throws ExportError `export.unsupported` for kernels without a lowering, all of them named, and for frozen random numbers; UsageError for inputs that are wrong in themselves.
 */
export async function compile(step: StepFunction, options: CompileOptions): Promise<CompiledStep> {
  const { runtime, seed = 0, session: sessionOptions = {} } = options;
  if ((runtime as Runtime | undefined) === undefined) throw new UsageError("compile: expected options.runtime, got none; import compile from '@forja/trainer/node', which fills it in, or give runtime() of @forja/node or @forja/web");
  const inputs = traceInputs(options.inputs);
  const started = performance.now();
  const again = (): Trace => trace(step, { inputs, variables: 'state', known: options.variables ?? [] });
  const first = again();
  const { program: traced, variables } = first;
  refuseBakedRandomness(first, again());
  const { program, names } = apart(optimize(traced));
  const tracedAt = performance.now();
  const lowered = lowerProgram(program, { target: targetOf(options) });
  const model = encodeModel(lowered.model);
  const layouts = new StateLayouts(lowered);
  const state = layouts.bindings(variables);
  const loweredAt = performance.now();
  const session = await runtime.createSession(model, { ...sessionOptions, state });

  const draws = programDraws(program);
  const outputs = [...names.keys()];
  const compiled: CompiledStep = {
    step: 0,
    async run(given = {}) {
      const feeds = feedTensors(inputs, given);
      const at = compiled.step++;
      try {
        const results = await session.run({ ...feeds, ...drawInputs(draws, seed, at) }, { outputs });
        return Object.fromEntries(Object.entries(results).map(([name, value]) => [names.get(name) ?? name, value]));
      } catch (error) {
        // A failed run changed no state: the next one is this step again, unless others were begun meanwhile.
        if (compiled.step === at + 1) compiled.step = at;
        throw error;
      }
    },
    async state(names) {
      if (names !== undefined) layouts.check(names);
      return layouts.logical(await session.readState(names === undefined ? undefined : [...names]));
    },
    async load(values) {
      await session.writeState(layouts.stored(values));
    },
    async writeVariables() {
      const values = await compiled.state();
      for (const [name, value] of Object.entries(values)) writeVariable(liveVariable(variables, name), value);
    },
    onnx: () => model.slice(),
    summary: {
      engine: 'onnx',
      calls: program.calls.length,
      kernels: countBy(program.calls, (call) => call.kernel),
      nodes: lowered.model.graph?.nodes.length ?? 0,
      ops: countBy(lowered.model.graph?.nodes ?? [], (node) => node.opType ?? ''),
      traceMs: tracedAt - started,
      lowerMs: loweredAt - tracedAt,
      createMs: performance.now() - loweredAt,
      lowering: lowered.target,
      ...(lowered.plan === undefined ? {} : { plan: explain(lowered.plan) }),
    },
    dispose: () => session.dispose(),
  };
  return compiled;
}

/** Prices are those of a CPU: on other devices `auto` is portable. */
function targetOf({ lowering = 'auto', runtime }: CompileOptions): 'portable' | 'fast' | 'auto' {
  return lowering === 'auto' && runtime.device.actual !== 'cpu' ? 'portable' : lowering;
}

/** A graph has one name for one value; a step may well return its counter `t` as `t`. `names`: what the step calls each of the graph's results. */
function apart(program: Program): { program: Program; names: ReadonlyMap<string, string> } {
  const taken = new Set([...program.inputs, ...program.outputs.filter((output) => output.state !== undefined)].map(({ name }) => name));
  const names = new Map<string, string>();
  const outputs = program.outputs.map((output) => {
    if (output.state !== undefined) return output;
    let { name } = output;
    while (taken.has(name)) name += '/result';
    taken.add(name);
    names.set(name, output.name);
    return { ...output, name };
  });
  return { program: { ...program, outputs }, names };
}

/** Random inputs of the graph: those of the specs, and those that the step asked for itself. */
function programDraws(program: Program): RandomInput[] {
  return program.inputs.flatMap(({ name, value, random }) =>
    random === undefined ? [] : [{ name, random, stream: random.stream ?? 0, shape: program.values[value]?.shape.map(Number) ?? [] }]);
}

function liveVariable(variables: ReadonlyMap<string, tf.Variable>, name: string): tf.Variable {
  const variable = variables.get(name);
  if (variable === undefined || variable.isDisposed) throw new UsageError(`writeVariables: expected variable '${name}' to be alive, got a disposed one; read state() instead`);
  return variable;
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

/** A result of a step that is one number. @throws UsageError when it is not there or has more elements. */
export function scalarOf(results: Readonly<Record<string, Tensor>>, name: string): number {
  const data = results[name]?.data;
  if (data instanceof Float32Array && data.length === 1) return data[0] ?? NaN;
  throw new UsageError(`${name}: expected a float32 scalar among the step's results, got ${Object.keys(results).join(', ') || 'none'}`);
}
