// compile(): trace steps once, rewrite and lower their programs, and keep their state in the runtime. Steps over the
// same variables share it.
import {
  classOf,
  deviceTraits,
  optionsOf,
  UsageError,
  type DeviceReport,
  type Runtime,
  type Tensor,
} from '@forja/core';
import { encodeModel } from '@forja/core/onnx';
import { explain, planConvolutions } from '../lower/fast/plan.js';
import { lowerProgram } from '../lower/lower.js';
import { compiledStep, type StepParts } from './compiled.js';
import { checkStep } from './inputs.js';
import { OwnHome } from './own.js';
import { repeated } from './repeat.js';
import { RuntimeVariables } from './shared.js';
import type { StateHome } from './state.js';
import type {
  CompiledStep,
  CompileAllOptions,
  CompileOptions,
  StepDefinition,
  StepFunction,
  StepOptions,
} from './step.js';
import { traceStep, withoutIdleState, type TracedStep } from './traced.js';
import { isSmall, stepsPerRun, threadsFor, workOf } from './work.js';

/**
 * Compiles a step to one ONNX graph. Steps compiled on one runtime share the state of the variables that they have in
 * common. A variable's state starts at its present value with the first step that uses it and lives until the last such
 * step is disposed; the variable itself does not change until `writeVariables`. The step is traced with Forja's
 * gradients, at exactly the sizes of `inputs`. Run one step at a time in a process: each session has its own threads.
 * The step function is traced twice, to detect random numbers that tfjs draws in it and that would be frozen.
 * @throws ExportError `export.unsupported` that names every kernel without a lowering, or for frozen random numbers;
 * UsageError for invalid inputs.
 */
export async function compile(step: StepFunction, given: CompileOptions): Promise<CompiledStep> {
  const { runtime, ...options } = optionsOf('compile', given);
  return (await compileAll({ step: { ...options, step } }, { runtime })).step;
}

/**
 * Compiles steps over the same variables together (the phases of a game), so that state is stored in the order that the
 * heaviest step prefers. `options` apply to all; a step's own options override them. If one fails, all are disposed.
 */
export async function compileAll<K extends string>(
  steps: Readonly<Record<K, StepDefinition>>,
  options: CompileAllOptions,
): Promise<Record<K, CompiledStep>> {
  const { runtime } = optionsOf('compile', options, 'loop lowering runtime seed session variables');
  if ((runtime as Runtime | undefined) === undefined)
    throw new UsageError(
      "compile: expected options.runtime, got none; import compile from '@forja/trainer/node', which fills it " +
        'in, or give runtime() of @forja/node or @forja/web',
    );
  const { actual: device } = runtime.ready === undefined ? runtime.device : await runtime.ready();
  const shared = RuntimeVariables.of(runtime);
  // Synchronous until all have entered, so that no other compilation interleaves.
  const traced = Object.entries<StepDefinition>(optionsOf('compile', steps)).map(([key, definition]) => {
    const started = performance.now();
    optionsOf('compile', definition, 'inputs loop lowering name seed session step variables');
    checkStep('compile', definition.step, definition.inputs);
    const { step, ...own } = { ...options, ...definition };
    const one = traceStep(step, own);
    return { key, options: own, traced: one, work: workOf(one.program), traceMs: performance.now() - started };
  });
  const entered: Entered[] = [];
  try {
    for (const one of [...traced].sort((a, b) => b.work - a.work)) entered.push(enter(one, device, shared));
    const opened = await settled(entered.map((one) => open(one, device)));
    return Object.fromEntries(traced.map(({ key }) => [key, opened.get(key)])) as Record<K, CompiledStep>; // each key
  } catch (error) {
    await Promise.all(entered.map(({ home }) => home.release()));
    throw error;
  }
}

/** A step that was traced. */
interface Prepared {
  key: string;
  options: CompileOptions;
  traced: TracedStep;
  work: number;
  traceMs: number;
}

/** A step whose state is in the runtime. */
interface Entered extends Prepared, Omit<StepParts, 'session' | 'summary' | 'seed'> {
  model: Uint8Array;
  home: StateHome;
  lowerMs: number;
}

/** Lowers a step for the state that the runtime already has, and adds its own. */
function enter(one: Prepared, device: DeviceReport['actual'], shared: RuntimeVariables | undefined): Entered {
  const started = performance.now();
  const { options, work } = one;
  const { program, variables } = one.traced;
  const target = targetOf(options, device);
  const lowered =
    shared === undefined
      ? lowerProgram(program, { target })
      : lowerProgram(withoutIdleState(program), { target, stored: shared.stored(variables), keep: false });
  const together = loopsOf(options, work, device) ? repeated(lowered) : undefined;
  const model = encodeModel(together?.model ?? lowered.model);
  const home =
    shared === undefined ? new OwnHome(options.runtime, variables, lowered) : shared.enter(variables, lowered);
  return { ...one, lowered, together, model, home, lowerMs: performance.now() - started };
}

/** Opens the session of a step. */
async function open(one: Entered, device: DeviceReport['actual']): Promise<readonly [string, CompiledStep]> {
  const started = performance.now();
  const { key, options, traced, work, lowered, together, model, home, traceMs, lowerMs } = one;
  const threads = device === 'cpu' ? threadsFor(work) : undefined;
  const session = await options.runtime.createSession(model, {
    ...(threads === undefined ? {} : { threads }),
    ...options.session,
    state: await home.bindings,
  });
  const { program } = traced;
  const nodes = lowered.model.graph?.nodes ?? [];
  const summary: StepParts['summary'] = {
    engine: 'onnx',
    calls: program.calls.length,
    kernels: countBy(program.calls, (call) => call.kernel),
    nodes: nodes.length,
    ops: countBy(nodes, (node) => node.opType ?? ''),
    traceMs,
    lowerMs,
    createMs: performance.now() - started,
    stepsPerRun: together === undefined ? 1 : stepsPerRun(work),
    lowering: lowered.target,
    ...(lowered.plan === undefined ? {} : { plan: explain(lowered.plan) }),
  };
  return [key, compiledStep({ traced, lowered, together, seed: options.seed ?? 0, session, home, summary })];
}

/** All steps; if one fails, the others are disposed. */
async function settled(opening: Promise<readonly [string, CompiledStep]>[]): Promise<Map<string, CompiledStep>> {
  const results = await Promise.allSettled(opening);
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return new Map(opened);
  await Promise.all(opened.map(([, step]) => step.dispose()));
  throw failed.reason;
}

/**
 * Explains, as text, how `compile` would run a step on a CPU: the cost of each convolution in both lowerings, how many
 * threads it would use, and how many steps would share a call. Nothing is run.
 */
export function explainStep(step: StepFunction, options: StepOptions): string {
  const { program } = traceStep(step, options);
  const work = workOf(program);
  return [
    explain(planConvolutions(program)),
    `work of a step: ${work.toFixed(0)} million multiply-adds (or the equivalent time); threads: ` +
      `${threadsFor(work) ?? "the runtime's default"}; steps that may share a call: ` +
      `${isSmall(work) ? stepsPerRun(work) : 1}`,
  ].join('\n');
}

/** The cost model holds for the CPU's kernels. Elsewhere `auto` means portable. */
function targetOf({ lowering = 'auto' }: CompileOptions, device: DeviceReport['actual']): 'portable' | 'fast' | 'auto' {
  return lowering === 'auto' && !deviceTraits(device).cpuKernels ? 'portable' : lowering;
}

/**
 * `auto` uses a loop only for steps that are small compared with the cost of a call, and only on devices whose kernels
 * would not stall at each iteration.
 */
function loopsOf({ loop = 'auto' }: CompileOptions, work: number, device: DeviceReport['actual']): boolean {
  return loop === 'auto' ? isSmall(work) && deviceTraits(device).loops : loop;
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

/** A scalar result of a step. @throws UsageError if it is missing or has several elements. */
export function scalarOf(results: Readonly<Record<string, Tensor>>, name: string): number {
  const data = results[name]?.data;
  // checked by class name
  if (classOf(data) === 'Float32Array' && (data as Float32Array).length === 1) return (data as Float32Array)[0] ?? NaN;
  throw new UsageError(
    `${name}: expected a float32 scalar among the step's results, got ${Object.keys(results).join(', ') || 'none'}`,
  );
}
