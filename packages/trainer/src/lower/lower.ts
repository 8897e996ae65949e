// Lowers a whole program to an ONNX graph: declares the inputs, lowers every call with the row of its kernel, and adds
// outputs and state. context.ts keeps track of values; kernels/ holds the rows.
import { ExportError, UsageError, type Dim } from '@forja/core';
import { GraphBuilder, type Model, type Value } from '@forja/core/onnx';
import {
  callInputs,
  type KernelCall,
  type Program,
  type ProgramDType,
  type ProgramInput,
  type Size,
  type ValueId,
} from '../program/program.js';
import { absorbOrders } from './absorb.js';
import { Context, describeCall } from './context.js';
import type { Perm, Stored } from './contract.js';
import { SHAPE_RULES } from '../trace/shapes/index.js';
import { dynamicAttribute } from './dynamic.js';
import { filterOrder, splitFilters } from './fast/filters.js';
import { planConvolutions, type ConvolutionPlan } from './fast/plan.js';
import { identity, physical } from './kernels/layout.js';
import { finish } from './finish.js';
import { lookUp } from './registry.js';
import { dimOf } from './symbols.js';

/** Options of {@link lowerProgram}. */
export interface LowerOptions {
  /**
   * `portable`: plain Conv and ConvTranspose, channels first. `fast`: convolutions as matrix products, channels last.
   * `auto`: the cheaper of the two on a CPU, as {@link planConvolutions} estimates.
   */
  target: 'portable' | 'fast' | 'auto';
  opset?: number;
  /**
   * Physical order of inputs and outputs, by name; default: logical order. The order of state is free unless named
   * here.
   */
  orders?: Record<string, Perm>;
  /** How other graphs store state that exists already, by input. All other state may be stored in any way. */
  stored?: Readonly<Record<string, Stored>>;
  /**
   * Whether state that is only read also becomes an output, for executors that keep state by binding an output to it.
   * Default true.
   */
  keep?: boolean;
  /**
   * Nodes to append to an output, by name: the function gets the value in the output's order and returns a value of the
   * same shape.
   */
  heads?: Record<string, (value: Value, builder: GraphBuilder) => Value>;
}

/** How a state value is stored in the graph. */
export interface StateLayout extends Stored {
  input: string;
  /** Absent for state that is only read, unless `keep` is set. */
  output?: string;
  dtype: ProgramDType;
  shape: readonly number[];
}

/** A lowered program. */
export interface Lowered {
  model: Model;
  /** State that the program assigns, in the order of its state inputs. State that is only read is in `fixed`. */
  state: StateLayout[];
  /** State that is only read: fed once and kept. With `keep`, `output` is an Identity of it. */
  fixed: StateLayout[];
  target: 'portable' | 'fast';
  /** The estimated cost of each convolution, unless target `portable` was requested. */
  plan?: ConvolutionPlan;
}

/** Opset written by default. */
export const DEFAULT_OPSET = 21;

/**
 * Lowers a program to ONNX.
 * @throws ExportError `export.unsupported` naming every kernel without a lowering, each with layer and call site.
 */
export function lowerProgram(program: Program, options: LowerOptions): Lowered {
  const { orders = {}, stored = {}, keep = true } = options;
  checkNames(program, orders);
  const plan = options.target === 'portable' ? undefined : planConvolutions(program);
  const fast = options.target === 'fast' || plan?.fast === true;
  const absorbed = fast ? splitFilters(program, stored) : absorbOrders(program, orders);
  const builder = new GraphBuilder({ opset: options.opset ?? DEFAULT_OPSET, name: 'forja' });
  const ctx = new Context(builder, absorbed, { filters: fast ? filterOrder : undefined, stored });
  for (const input of absorbed.inputs) {
    if (input.kind !== 'state')
      ctx.declare(input.name, input.value, orders[input.name] ?? identity(ctx.logical(input.value).rank));
    else if (stored[input.name] !== undefined) ctx.state(input.name, input.value);
    else if (orders[input.name] !== undefined) ctx.get(ctx.logical(input.value), orders[input.name]);
  }
  lowerCalls(absorbed, ctx, fast ? 'fast' : 'portable');

  const shapes = new Map<string, Dim[]>();
  const declare = (name: string, id: ValueId, perm: Perm): void => {
    const value = ctx.logical(id);
    const stored = ctx.get(value, perm);
    builder.output(name, options.heads?.[name]?.(stored, builder) ?? stored);
    shapes.set(name, physical(value.shape, perm).map(dimOf));
  };
  for (const { name, value, state } of absorbed.outputs)
    if (state === undefined) declare(name, value, orders[name] ?? identity(ctx.logical(value).rank));
  const state: StateLayout[] = [];
  const fixed: StateLayout[] = [];
  const taken = new Set([...absorbed.inputs, ...absorbed.outputs].map(({ name }) => name));
  for (const input of absorbed.inputs) {
    if (input.kind !== 'state') continue;
    const next = absorbed.outputs.find((output) => output.state === input.name);
    const output = next?.name ?? (keep ? unique(`${input.name}/kept`, taken) : undefined);
    const { dtype, shape: split } = ctx.logical(input.value);
    const [shape, own] = [program.values[input.value]?.shape ?? split, split].map((sizes) =>
      sizes.map((size) => numberOf(size, input.name)),
    ) as [number[], number[]]; // one entry per shape
    const as: Stored = stored[input.name] ?? {
      perm: statePerm(ctx, input, next?.value),
      ...(shape.join() === own.join() ? {} : { split: own }),
    };
    if (output !== undefined) {
      builder.output(output, ctx.asStored(next?.value ?? input.value, as));
      shapes.set(output, physical(as.split ?? shape, as.perm).map(dimOf));
    }
    const layout = { input: input.name, dtype, shape, ...as, ...(output === undefined ? {} : { output }) };
    (next === undefined ? fixed : state).push(layout);
  }
  return {
    model: finish(
      builder.build({ producerName: 'forja' }),
      absorbed.inputs.map((input) => input.name),
      shapes,
    ),
    state,
    fixed,
    target: fast ? 'fast' : 'portable',
    ...(plan === undefined ? {} : { plan }),
  };
}

/** The order that a state value is stored in. State that no call reads is stored in the order of its next value. */
function statePerm(ctx: Context, input: ProgramInput, next: ValueId | undefined): Perm {
  const value = ctx.logical(input.value);
  const perm =
    ctx.layoutOf(value) ?? (next === undefined ? undefined : ctx.layoutOf(ctx.logical(next))) ?? identity(value.rank);
  ctx.get(value, perm);
  return ctx.layoutOf(value) ?? perm;
}

/** Lowers every call, continuing after a refusal so that one error names them all. */
function lowerCalls(program: Program, ctx: Context, target: Lowered['target']): void {
  const refusals: string[] = [];
  const causes: unknown[] = [];
  const missing = new Set<ValueId>();
  const refuse = (call: KernelCall, message: string): void => {
    refusals.push(message);
    for (const id of call.outputs) missing.add(id);
  };
  for (const call of program.calls) {
    const row = lookUp(call.kernel, target);
    if (row === undefined)
      refuse(call, `${describeCall(call)}: no lowering; add one with registerKernelExport('${call.kernel}', …)`);
    else if (typeof row !== 'function') refuse(call, `${describeCall(call)}: ${row.unsupported}`);
    else if (callInputs(call).some((id) => missing.has(id))) for (const id of call.outputs) missing.add(id);
    else {
      try {
        const bound = ctx.enter(call);
        // Rows registered by users handle symbolic attributes themselves.
        const dynamic = Object.hasOwn(SHAPE_RULES, call.kernel) ? dynamicAttribute(call) : undefined;
        if (dynamic !== undefined)
          ctx.unsupported(`expected a fixed number as attribute ${dynamic}: it depends on a dynamic dim; fix that dim`);
        row(bound, ctx);
      } catch (error) {
        if (!(error instanceof ExportError))
          throw new ExportError(
            'export.unsupported',
            `${describeCall(call)}: its lowering failed: ${error instanceof Error ? error.message : String(error)}`,
            { cause: error },
          );
        causes.push(error);
        refuse(call, error.message);
      }
    }
  }
  ctx.leave();
  if (refusals.length === 0) return;
  const lines = [...new Set(refusals)];
  const text =
    lines.length === 1
      ? lines.join('')
      : `expected calls that ONNX can express, got ${lines.length} that it ` +
        `cannot:\n${lines.map((line) => `  ${line}`).join('\n')}`;
  throw new ExportError('export.unsupported', text, { cause: causes[0] });
}

function checkNames(program: Program, orders: Readonly<Record<string, Perm>>): void {
  const seen = new Set<string>();
  for (const { name } of [...program.inputs, ...program.outputs]) {
    if (seen.has(name))
      throw new UsageError(
        `lower: expected different names for all inputs and outputs, got '${name}' twice; rename one`,
      );
    seen.add(name);
  }
  for (const [name, perm] of Object.entries(orders)) {
    const id = (program.inputs.find((i) => i.name === name) ?? program.outputs.find((o) => o.name === name))?.value;
    if (id === undefined)
      throw new UsageError(`lower: expected an input or output for orders.${name}, got ${[...seen].join(', ')}`);
    const rank = program.values[id]?.shape.length ?? 0;
    if (perm.length !== rank || identity(rank).some((axis) => !perm.includes(axis)))
      throw new UsageError(`lower: expected an order of ${rank} axes for '${name}', got [${perm.join(', ')}]`);
  }
}

function unique(name: string, taken: Set<string>): string {
  const free = taken.has(name) ? unique(`${name}_`, taken) : name;
  taken.add(free);
  return free;
}

function numberOf(size: Size, name: string): number {
  if (typeof size === 'number') return size;
  throw new ExportError('export.unsupported', `state '${name}': expected fixed sizes, got a dynamic one`);
}
