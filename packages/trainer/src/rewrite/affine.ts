// Folds per-channel scales and shifts by constants into the preceding convolution or matrix product: the weights are
// scaled, and one bias is added. Covers batch norm with constant statistics, and the Mul and Add that other converters
// write for it. Inference only: in a training step, weights and statistics are not constants.
import { rowOf, type KernelRows } from '../kernels/rows.js';
import { traitsOf } from '../kernels/traits.js';
import type { ConstantData, KernelCall, Program, ValueId } from '../program/program.js';
import {
  countOf,
  dtypeOf,
  inputOf,
  outputOf,
  producers,
  Rewriter,
  sameSizes,
  shapeOf,
  useCounts,
} from '../program/graph.js';

/**
 * Where a linear kernel keeps the weights that take a factor for each output channel, and which kernel also takes a
 * shift.
 */
interface Linear {
  /** Name of the input that holds the weights. */
  weights: string;
  /**
   * Axes of the weights that make up the output channels, as a half-open range of negative axes (end 0: through the
   * last).
   */
  channels: readonly [number, number];
  /** The kernel that also adds a bias, if tfjs has one. */
  fused: string | undefined;
}

/** The call as a linear kernel, or undefined if it is not one. Does not check that the weights are constant. */
function linearOf({ kernel, attrs }: KernelCall): Linear | undefined {
  const { convolution, product, fused } = traitsOf(kernel);
  if (product === true) return { weights: 'b', channels: attrs['transposeB'] === true ? [-2, -1] : [-1, 0], fused };
  if (convolution === undefined || convolution.filter === '') return undefined;
  // A transposed convolution's filter is [height, width, out, in].
  const channels = convolution.large === '' ? ([-2, -1] as const) : ([convolution.depthwise ? -2 : -1, 0] as const);
  return { weights: convolution.filter, channels, fused };
}

/** The output channel that weight number `index` belongs to. */
function channelOf(index: number, shape: readonly number[], [first, end]: Linear['channels']): number {
  const count = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  const after = end === 0 ? 1 : count(shape.slice(end));
  return Math.floor(index / after) % (count(shape.slice(first)) / after);
}

/** x · factor + shift, by channel of the last axis. */
interface Affine {
  x: ValueId;
  channels: number;
  factor: (channel: number) => number;
  shift: (channel: number) => number;
  /** Whether the call only adds. Folding such a call gains nothing if the kernel has no variant with a bias. */
  adds: boolean;
}

/** An affine call and the linear kernel that it folds into. Each call in between has one reader, the next one. */
interface Match {
  affine: Affine;
  linear: KernelCall;
  rule: Linear;
  /** Constant bias added between the two calls, if any. */
  bias: ArrayLike<number> | undefined;
  /** Reshapes after the bias, in execution order. */
  reshapes: KernelCall[];
}

/** Folds each call that is affine per channel into the linear kernel with constant weights before it. */
export function foldAffine(program: Program): Program {
  const [from, uses] = [producers(program), useCounts(program)];
  const matches = new Map<KernelCall, Match>();
  const taken = new Set<KernelCall>();
  for (const call of program.calls) {
    const match = follow(program, call, from, uses);
    // One fold per linear kernel and round; the next call in the chain can only fold into the result of this one.
    if (match === undefined || taken.has(match.linear)) continue;
    matches.set(call, match);
    taken.add(match.linear);
  }
  if (matches.size === 0) return program;
  const originals = new Map(program.calls.map((call) => [outputOf(call), call]));
  const rewriter = new Rewriter(program);
  return rewriter.run((call) => {
    const match = matches.get(originals.get(outputOf(call)) ?? call);
    if (match === undefined) rewriter.emit(call);
    else fold(call, match, rewriter);
  });
}

/** The call as an affine one, with its constants, or undefined. */
function affineOf(program: Program, call: KernelCall): Affine | undefined {
  const [out, rank] = [outputOf(call), shapeOf(program, outputOf(call)).length];
  const channels = shapeOf(program, out).at(-1);
  if (typeof channels !== 'number' || rank < 2 || dtypeOf(program, out) !== 'float32') return undefined;
  const read = (id: ValueId | undefined, fallback: number): ((channel: number) => number) =>
    at(program.constants.get(id ?? -1), fallback);
  if (call.kernel === 'FusedBatchNorm') {
    const [x, ...statistics] = ['x', 'mean', 'variance', 'scale', 'offset'].map((name) => inputOf(call, name));
    if (x === undefined || !statistics.every((id) => id === undefined || isRow(program, id, channels)))
      return undefined;
    const [mean, variance, scale, offset] = [
      read(statistics[0], 0),
      read(statistics[1], 1),
      read(statistics[2], 1),
      read(statistics[3], 0),
    ];
    const epsilon = Number(call.attrs['varianceEpsilon'] ?? 1e-3);
    const factor = (channel: number): number => scale(channel) / Math.sqrt(variance(channel) + epsilon);
    return { x, channels, factor, shift: (channel) => offset(channel) - mean(channel) * factor(channel), adds: false };
  }
  const [a, b] = [inputOf(call, 'a'), inputOf(call, 'b')];
  const row = [b, a].find((id) => id !== undefined && isRow(program, id, channels));
  const x = row === b ? a : b;
  if (row === undefined || x === undefined || !sameSizes(shapeOf(program, x), shapeOf(program, out))) return undefined;
  const made = rowOf(BY_CONSTANT, call.kernel)?.(read(row, 0), row === b);
  return made === undefined ? undefined : { x, channels, adds: false, factor: () => 1, shift: () => 0, ...made };
}

/**
 * The factor or shift that each kernel applies to one operand if the other is constant. `value`: the constant, by
 * channel; `right`: it is the second operand.
 */
const BY_CONSTANT: KernelRows<(value: (channel: number) => number, right: boolean) => Partial<Affine> | undefined> = {
  Add: (value) => ({ shift: value, adds: true }),
  Multiply: (value) => ({ factor: value }),
  RealDiv: (value, right) => (right ? { factor: (channel) => 1 / value(channel) } : undefined),
  Sub: (value, right) =>
    right ? { shift: (channel) => -value(channel), adds: true } : { factor: () => -1, shift: value },
};

function follow(
  program: Program,
  call: KernelCall,
  from: Map<ValueId, KernelCall>,
  uses: Map<ValueId, number>,
): Match | undefined {
  const affine = affineOf(program, call);
  const reshapes: KernelCall[] = [];
  let bias: ArrayLike<number> | undefined;
  let id = affine?.x;
  while (affine !== undefined && id !== undefined && uses.get(id) === 1) {
    const before = from.get(id);
    const width = shapeOf(program, id).at(-1);
    // Channels repeat in row-major order, so a width that is a multiple of the channel count keeps them aligned.
    if (before === undefined || typeof width !== 'number' || width % affine.channels !== 0) return undefined;
    const rule = linearOf(before);
    if (rule !== undefined) {
      const gains = !affine.adds || rule.fused !== undefined || bias !== undefined;
      // If the filter has other readers, scaling it stores a second copy, which is only worth it for batch norm.
      const alone =
        affine.adds || call.kernel === 'FusedBatchNorm' || uses.get(inputOf(before, rule.weights) ?? -1) === 1;
      const finite = Array.from({ length: affine.channels }, (_, i) => affine.factor(i)).every(Number.isFinite);
      return gains && alone && finite && isFoldable(program, before, rule, width)
        ? { affine, linear: before, rule, bias, reshapes }
        : undefined;
    }
    if (before.kernel === 'Reshape' && bias === undefined) {
      reshapes.unshift(before);
      id = inputOf(before, 'x');
    } else if (before.kernel === 'Add' && bias === undefined) {
      const [a, b] = [inputOf(before, 'a'), inputOf(before, 'b')];
      const added = [a, b].find((side) => side !== undefined && isRow(program, side, width));
      if (added === undefined) return undefined;
      bias = program.constants.get(added);
      id = added === a ? b : a;
    } else return undefined;
  }
  return undefined;
}

/** Whether `id` is a float32 constant with one number per channel along the last axis, or one for all channels. */
function isRow(program: Program, id: ValueId, width: number): boolean {
  const count =
    program.constants.has(id) && dtypeOf(program, id) === 'float32' ? countOf(shapeOf(program, id)) : undefined;
  return count === 1 || (count === width && shapeOf(program, id).at(-1) === width);
}

function isFoldable(program: Program, call: KernelCall, rule: Linear, width: number): boolean {
  const [weights, bias] = [inputOf(call, rule.weights), inputOf(call, 'bias')];
  const plain =
    (call.attrs['activation'] ?? 'linear') === 'linear' &&
    call.attrs['dataFormat'] !== 'NCHW' &&
    inputOf(call, 'preluActivationWeights') === undefined;
  return (
    plain &&
    weights !== undefined &&
    program.constants.has(weights) &&
    (bias === undefined || isRow(program, bias, width))
  );
}

/** (x·w + c)·f + s = x·(w·f) + (c·f + s), computed in double precision. */
function fold(call: KernelCall, { affine, linear, rule, bias: between, reshapes }: Match, on: Rewriter): void {
  const width = Number(on.shape(outputOf(linear)).at(-1));
  const factor = (channel: number): number => affine.factor(channel % affine.channels);
  const [own, added] = [at(on.constants.get(on.at(inputOf(linear, 'bias') ?? -1)), 0), at(between, 0)];
  const bias = Float32Array.from(
    { length: width },
    (_, i) => (own(i) + added(i)) * factor(i) + affine.shift(i % affine.channels),
  );

  const weights = on.at(inputOf(linear, rule.weights) ?? -1);
  const shape = on.shape(weights).map(Number);
  const data = on.constants.get(weights) ?? new Float32Array();
  const scaled = affine.adds
    ? weights
    : on.constant(
        'float32',
        shape,
        Float32Array.from(data, (w, i) => w * factor(channelOf(i, shape, rule.channels))),
      );
  const inputs = Object.fromEntries(
    Object.entries(linear.inputs).map(([name, ids]) => [name, Array.isArray(ids) ? ids : on.at(ids)]),
  );
  const shifts = bias.some((v) => v !== 0);
  const shift = shifts ? on.constant('float32', [width], bias) : undefined;
  let value = on.value('float32', on.shape(outputOf(linear)));
  if (rule.fused === undefined || shift === undefined) {
    const { bias: _, ...rest } = inputs;
    on.emit({ ...linear, inputs: { ...rest, [rule.weights]: scaled }, outputs: [value] });
    if (shift !== undefined) {
      const sum = on.value('float32', on.shape(value));
      on.emit({ ...call, kernel: 'Add', inputs: { a: value, b: shift }, attrs: {}, outputs: [sum] });
      value = sum;
    }
  } else {
    on.emit({
      ...linear,
      kernel: rule.fused,
      inputs: { ...inputs, [rule.weights]: scaled, bias: shift },
      attrs: { ...linear.attrs, activation: 'linear' },
      outputs: [value],
    });
  }
  for (const reshape of reshapes) {
    const shaped = on.value('float32', on.shape(outputOf(reshape)));
    on.emit({ ...reshape, inputs: { x: value }, outputs: [shaped] });
    value = shaped;
  }
  on.replace(outputOf(call), value);
}

/**
 * Returns a function that reads element i. A single element counts for every i; without data, it gives the fallback.
 */
function at(data: ConstantData | ArrayLike<number> | undefined, fallback: number): (i: number) => number {
  return (i) => (data === undefined ? fallback : (data[data.length === 1 ? 0 : i] ?? fallback));
}
