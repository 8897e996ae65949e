// Filters in the order that the algorithms read: [a, b, sr, sc, C, Co], where kernel row kh = stride·a + sr. Weights
// and optimizer state are stored in that order, so that a training step does not reorder weights; other filters are
// converted where they are read.
import type { Value } from '@forja/core/onnx';
import { traitsOf } from '../../kernels/traits.js';
import { callInputs, isStatic, type KernelCall, type Program, type ValueId } from '../../program/program.js';
import { inputOf, outputOf, sameSizes, shapeOf } from '../../program/graph.js';
import type { LowerContext, Logical, Perm, Stored } from '../contract.js';
import { choose } from './choose.js';
import type { Convolution } from './contract.js';
import { describe, type Sides } from './describe.js';
import { winograd } from './winograd.js';

/** Order of a filter split into [a, sr, b, sc, C, Co]. */
const SPLIT_ORDER: Perm = [0, 2, 1, 3, 4, 5];

const needsSplit = ({ height, width }: Convolution): boolean => height.stride > 1 || width.stride > 1;

function splitShape({ height, width, channels, outChannels }: Convolution): number[] {
  return [
    height.kernel / height.stride,
    height.stride,
    width.kernel / width.stride,
    width.stride,
    channels,
    outChannels,
  ];
}

/** Whether the chosen algorithm reads filters split by the stride. The others read them as tfjs stores them. */
const splits = (conv: Convolution): boolean => choose(conv) === winograd && needsSplit(conv);

/** The filter in the order that its algorithm reads. */
export function filterValue(conv: Convolution, filter: Logical, ctx: LowerContext): Value {
  if (filter.rank === 6) return ctx.get(filter, splits(conv) ? SPLIT_ORDER : undefined);
  if (!splits(conv)) return ctx.get(filter);
  return ctx.op('Transpose', [ctx.reshape(ctx.get(filter), splitShape(conv))], { perm: [...SPLIT_ORDER] });
}

/** Defines a filter gradient from `value`, which is in the order of {@link filterValue}. */
export function setFilter(conv: Convolution, dw: Logical, value: Value, ctx: LowerContext): void {
  const split = splitShape(conv);
  const stored = SPLIT_ORDER.map((axis) => split[axis] ?? 1);
  if (dw.rank === 6)
    ctx.set(dw, ctx.reshape(value, splits(conv) ? stored : split), splits(conv) ? SPLIT_ORDER : undefined);
  else
    ctx.set(
      dw,
      ctx.reshape(
        splits(conv) ? ctx.op('Transpose', [ctx.reshape(value, stored)], { perm: [...SPLIT_ORDER] }) : value,
        dw.shape,
      ),
    );
}

/** Value ids of a convolution's pictures and filter. */
function sidesOf(call: KernelCall): Record<keyof Sides, ValueId> | undefined {
  const { convolution } = traitsOf(call.kernel);
  if (convolution === undefined || convolution.depthwise || convolution.axes !== 2) return undefined;
  const id = (name: string): ValueId => (name === '' ? outputOf(call) : (inputOf(call, name) ?? -1));
  return { large: id(convolution.large), small: id(convolution.small), filter: id(convolution.filter) };
}

/** The convolution that a call computes, if its sizes are fixed. */
export function describedConvolution(program: Program, call: KernelCall): Convolution | undefined {
  const ids = sidesOf(call);
  return ids === undefined
    ? undefined
    : describe(call.attrs, {
        large: shapeOf(program, ids.large),
        small: shapeOf(program, ids.small),
        filter: shapeOf(program, ids.filter),
      });
}

/** {@link describedConvolution} and its filter, if an algorithm of this folder computes it. */
function planned(program: Program, call: KernelCall): { conv: Convolution; filter: ValueId } | undefined {
  const [conv, ids] = [describedConvolution(program, call), sidesOf(call)];
  return conv === undefined || ids === undefined || choose(conv) === undefined
    ? undefined
    : { conv, filter: ids.filter };
}

/**
 * Splits filters by their strides, if everything that reads or makes them is element-wise or a convolution that wants
 * them split. Existing state (`stored`, by input) is split if and only if it is stored split.
 */
export function splitFilters(program: Program, stored: Readonly<Record<string, Stored>> = {}): Program {
  const parent = new Map<ValueId, ValueId>();
  const root = (id: ValueId): ValueId => {
    const up = parent.get(id);
    return up === undefined ? id : root(up);
  };
  const tie = (a: ValueId, b: ValueId): void => {
    if (root(a) !== root(b)) parent.set(root(a), root(b));
  };
  const alike = (a: ValueId, b: ValueId): boolean => sameSizes(shapeOf(program, a), shapeOf(program, b));
  const isFilter = (id: ValueId): boolean => shapeOf(program, id).length === 4 && shapeOf(program, id).every(isStatic);
  for (const call of program.calls) {
    if (traitsOf(call.kernel).elementwise === undefined || !isFilter(outputOf(call))) continue;
    for (const id of callInputs(call)) if (alike(id, outputOf(call))) tie(id, outputOf(call));
  }
  const inputs = new Map(program.inputs.map((input) => [input.name, input.value]));
  for (const { state, value } of program.outputs)
    tie(value, state === undefined ? value : (inputs.get(state) ?? value));

  const shapes = new Map<ValueId, number[]>();
  const refused = new Set<ValueId>();
  const refuse = (id: ValueId): void => void refused.add(root(id));
  const want = (id: ValueId, split: readonly number[]): void => {
    const before = shapes.get(root(id));
    if (before !== undefined && before.join() !== split.join()) refuse(id);
    shapes.set(root(id), [...split]);
  };
  for (const { kind, name, value } of program.inputs) {
    const as = kind === 'state' && isFilter(value) ? stored[name] : undefined;
    if (as?.split !== undefined) want(value, as.split);
    else if (as !== undefined) refuse(value);
  }
  for (const call of program.calls) {
    const plan = planned(program, call);
    const filter = plan !== undefined && splits(plan.conv) ? plan.filter : undefined;
    if (plan !== undefined && filter !== undefined) want(filter, splitShape(plan.conv));
    const elementwise = traitsOf(call.kernel).elementwise !== undefined;
    for (const id of [...callInputs(call), ...call.outputs]) {
      // Operands of lower rank broadcast along C and Co, which stay as they are.
      const meets =
        elementwise &&
        isFilter(outputOf(call)) &&
        callInputs(call).every((x) => alike(x, outputOf(call)) || shapeOf(program, x).length <= 2);
      if (isFilter(id) && id !== filter && !meets) refuse(id);
    }
  }
  for (const { state, value } of program.outputs) if (state === undefined) refuse(value);
  for (const input of program.inputs) if (input.kind !== 'state') refuse(input.value);
  const values = program.values.map((value, id) => {
    const split = refused.has(root(id)) ? undefined : shapes.get(root(id));
    return split === undefined || !isFilter(id) ? value : { ...value, shape: split };
  });
  return { ...program, values };
}

/** The order in which a filter, and the state computed with it, is stored. */
export function filterOrder(program: Program, call: KernelCall): { filter: ValueId; order: Perm } | undefined {
  const plan = planned(program, call);
  if (plan === undefined) return undefined;
  const rank = shapeOf(program, plan.filter).length;
  return { filter: plan.filter, order: rank === 6 ? SPLIT_ORDER : [0, 1, 2, 3] };
}
