// compile(): trace the step once, rewrite and lower the program, and keep its state in a session of the runtime.
import { UsageError, tensor, type DeviceReport, type NamedTensors, type Runtime, type Tensor } from '@forja/core';
import { encodeModel } from '@forja/core/onnx';
import type * as tf from '@tensorflow/tfjs';
import { explain, planConvolutions } from '../lower/fast/plan.js';
import { lowerProgram } from '../lower/lower.js';
import { optimize } from '../rewrite/optimize.js';
import type { Program } from '../program/program.js';
import { refuseBakedRandomness } from '../trace/baked.js';
import { namedStream } from '../trace/random.js';
import { trace, type Trace, type TraceInput } from '../trace/trace.js';
import { drawInputs, feedTensors, stacked, traceInputs, unstacked, type RandomInput } from './inputs.js';
import { repeated } from './repeat.js';
import { StateLayouts, writeVariable } from './state.js';
import type { CompiledStep, CompileOptions, StepFunction, StepOptions } from './step.js';
import { isSmall, stepsPerRun, threadsFor, workOf } from './work.js';

/**
 * Compiles a step to one ONNX graph. It starts at the variables' present values and leaves them alone until
 * `writeVariables`. The step is traced with Forja's gradients, at exactly the sizes of `inputs`. One step should run at
 * a time in a process: each session has threads of its own. The step function runs twice while it is traced, which
 * shows numbers that tfjs draws in it: they would be the same at every step.
 * @throws ExportError `export.unsupported` for kernels without a lowering, all of them named, and for frozen random
 * numbers; UsageError for inputs that are wrong in themselves.
 */
export async function compile(step: StepFunction, options: CompileOptions): Promise<CompiledStep> {
  const { runtime, seed = 0, session: sessionOptions = {} } = options;
  if ((runtime as Runtime | undefined) === undefined)
    throw new UsageError(
      "compile: expected options.runtime, got none; import compile from '@forja/trainer/node', which fills it in, or give runtime() of @forja/node or @forja/web",
    );
  const { actual: device } = runtime.ready === undefined ? runtime.device : await runtime.ready();
  const started = performance.now();
  const { inputs, program, names, variables } = traceStep(step, options);
  const tracedAt = performance.now();
  const lowered = lowerProgram(program, { target: targetOf(options, device) });
  const work = workOf(program);
  const together = loopsOf(options, work, device) ? repeated(lowered) : undefined;
  const model = encodeModel(together?.model ?? lowered.model);
  const layouts = new StateLayouts(lowered);
  const state = layouts.bindings(variables);
  const loweredAt = performance.now();
  const threads = device === 'cpu' ? threadsFor(work) : undefined;
  const session = await runtime.createSession(model, {
    ...(threads === undefined ? {} : { threads }),
    ...sessionOptions,
    state,
  });

  const draws = programDraws(program, options.name);
  const outputs = [...names.keys()];
  const called = (results: NamedTensors): NamedTensors =>
    Object.fromEntries(Object.entries(results).map(([name, value]) => [names.get(name) ?? name, value]));
  const compiled: CompiledStep = {
    step: 0,
    run: async (given = {}) => (await compiled.runMany([given]))[0] ?? {},
    async runMany(given) {
      const checked = given.map((one) => feedTensors(inputs, one));
      const at = compiled.step;
      compiled.step += given.length;
      const feeds = checked.map((one, i) => ({ ...one, ...drawInputs(draws, seed, at + i) }));
      let done = 0;
      try {
        if (together !== undefined && feeds.length > 0) {
          const results = await session.run(
            { ...stacked(feeds), [together.count]: tensor('int64', [], BigInt64Array.of(BigInt(feeds.length))) },
            { outputs },
          );
          return unstacked(results, feeds.length).map(called);
        }
        const all: NamedTensors[] = [];
        for (; done < feeds.length; done++) all.push(called(await session.run(feeds[done] ?? {}, { outputs })));
        return all;
      } catch (error) {
        // A failed run changed no state: the next one is this step again, unless others were begun meanwhile.
        if (compiled.step === at + given.length) compiled.step = at + done;
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
    onnx: () => encodeModel(lowered.model),
    summary: {
      engine: 'onnx',
      calls: program.calls.length,
      kernels: countBy(program.calls, (call) => call.kernel),
      nodes: lowered.model.graph?.nodes.length ?? 0,
      ops: countBy(lowered.model.graph?.nodes ?? [], (node) => node.opType ?? ''),
      traceMs: tracedAt - started,
      lowerMs: loweredAt - tracedAt,
      createMs: performance.now() - loweredAt,
      stepsPerRun: together === undefined ? 1 : stepsPerRun(work),
      lowering: lowered.target,
      ...(lowered.plan === undefined ? {} : { plan: explain(lowered.plan) }),
    },
    dispose: () => session.dispose(),
  };
  return compiled;
}

/** The step as an optimised program. */
function traceStep(
  step: StepFunction,
  options: StepOptions,
): { inputs: TraceInput[]; program: Program; names: ReadonlyMap<string, string>; variables: Trace['variables'] } {
  const inputs = traceInputs(options.inputs);
  const again = (): Trace => trace(step, { inputs, variables: 'state', known: options.variables ?? [] });
  const first = again();
  refuseBakedRandomness(first, again());
  return { inputs, variables: first.variables, ...apart(optimize(first.program)) };
}

/**
 * How `compile` would run a step on a CPU, as text: what each convolution costs in both lowerings, and whether threads
 * and calls pay. Nothing is run.
 */
export function explainStep(step: StepFunction, options: StepOptions): string {
  const { program } = traceStep(step, options);
  const work = workOf(program);
  return [
    explain(planConvolutions(program)),
    `work of a step: ${work.toFixed(0)} million multiply-adds, or what takes as long; threads: ${threadsFor(work) ?? 'as many as the runtime has'}; steps that may share a call: ${isSmall(work) ? stepsPerRun(work) : 1}`,
  ].join('\n');
}

/** Devices that the prices hold for: WebAssembly runs the CPU's kernels. Elsewhere `auto` is portable. */
const PRICED: readonly string[] = ['cpu', 'wasm'];

function targetOf({ lowering = 'auto' }: CompileOptions, device: DeviceReport['actual']): 'portable' | 'fast' | 'auto' {
  return lowering === 'auto' && !PRICED.includes(device) ? 'portable' : lowering;
}

/** Only where a call costs as much as the step, and on devices whose kernels would not wait for the loop's turns. */
function loopsOf({ loop = 'auto' }: CompileOptions, work: number, device: DeviceReport['actual']): boolean {
  return loop === 'auto' ? isSmall(work) && device === 'cpu' : loop;
}

/**
 * A graph has one name for one value; a step may well return its counter `t` as `t`. `names`: what the step calls each
 * of the graph's results.
 */
function apart(program: Program): { program: Program; names: ReadonlyMap<string, string> } {
  const taken = new Set(
    [...program.inputs, ...program.outputs.filter((output) => output.state !== undefined)].map(({ name }) => name),
  );
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
function programDraws(program: Program, step: string | undefined): RandomInput[] {
  return program.inputs.flatMap(({ name, value, random }) => {
    if (random === undefined) return [];
    const stream = step === undefined ? (random.stream ?? 0) : namedStream(step, name);
    return [{ name, random, stream, shape: program.values[value]?.shape.map(Number) ?? [] }];
  });
}

function liveVariable(variables: ReadonlyMap<string, tf.Variable>, name: string): tf.Variable {
  const variable = variables.get(name);
  if (variable === undefined || variable.isDisposed)
    throw new UsageError(
      `writeVariables: expected variable '${name}' to be alive, got a disposed one; read state() instead`,
    );
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
  throw new UsageError(
    `${name}: expected a float32 scalar among the step's results, got ${Object.keys(results).join(', ') || 'none'}`,
  );
}
