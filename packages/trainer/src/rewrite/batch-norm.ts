// Batch norm with constant statistics folds into the convolution or product before it: weights scaled, one bias added. Inference only: a training
// step's statistics are computed, and nothing matches.
import type { ConstantData, KernelCall, Program, ValueId } from '../trace/program.js';
import { countOf, dtypeOf, inputOf, outputOf, producers, Rewriter, shapeOf, useCounts } from './graph.js';

/** How a linear kernel takes a factor and a shift for each output channel. */
interface Linear {
  /** Name of the weights' input. */
  weights: string;
  /** The output channel that weight number `index` belongs to. */
  channel: (index: number, shape: readonly number[], attrs: Record<string, unknown>) => number;
  /** The kernel that also adds a bias, if tfjs has one. */
  fused?: string;
}

const last = (index: number, shape: readonly number[]): number => index % (shape.at(-1) ?? 1);
const lastTwo = (index: number, shape: readonly number[]): number => index % ((shape.at(-1) ?? 1) * (shape.at(-2) ?? 1));
const beforeLast = (index: number, shape: readonly number[]): number => Math.floor(index / (shape.at(-1) ?? 1)) % (shape.at(-2) ?? 1);
const column = (index: number, shape: readonly number[], attrs: Record<string, unknown>): number => (attrs['transposeB'] === true ? beforeLast : last)(index, shape);

const LINEAR: Readonly<Record<string, Linear>> = {
  Conv2D: { weights: 'filter', channel: last, fused: 'FusedConv2D' },
  FusedConv2D: { weights: 'filter', channel: last, fused: 'FusedConv2D' },
  DepthwiseConv2dNative: { weights: 'filter', channel: lastTwo, fused: 'FusedDepthwiseConv2D' },
  FusedDepthwiseConv2D: { weights: 'filter', channel: lastTwo, fused: 'FusedDepthwiseConv2D' },
  // A transposed convolution's filter is [height, width, out, in].
  Conv2DBackpropInput: { weights: 'filter', channel: beforeLast },
  BatchMatMul: { weights: 'b', channel: column, fused: '_FusedMatMul' },
  _FusedMatMul: { weights: 'b', channel: column, fused: '_FusedMatMul' },
};

/** What a batch norm reads, followed back to the linear kernel. All calls between are read by the next one only. */
interface Match {
  linear: KernelCall;
  rule: Linear;
  /** Constant bias added on the way, if any. */
  bias: ArrayLike<number> | undefined;
  /** Reshapes after the bias, in execution order. */
  reshapes: KernelCall[];
}

/** `program` with every batch norm folded that follows a linear kernel with constant weights. */
export function foldBatchNorm(program: Program): Program {
  const [from, uses] = [producers(program), useCounts(program)];
  const matches = new Map<KernelCall, Match>();
  for (const call of program.calls) {
    const match = call.kernel === 'FusedBatchNorm' ? follow(program, call, from, uses) : undefined;
    if (match !== undefined) matches.set(call, match);
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

function follow(program: Program, norm: KernelCall, from: Map<ValueId, KernelCall>, uses: Map<ValueId, number>): Match | undefined {
  const channels = channelsOf(program, norm);
  const reshapes: KernelCall[] = [];
  let bias: ArrayLike<number> | undefined;
  let id = inputOf(norm, 'x');
  while (channels !== undefined && id !== undefined && uses.get(id) === 1) {
    const call = from.get(id);
    const width = shapeOf(program, id).at(-1);
    // Row-major order keeps channels in turn as long as every width is a whole number of rounds.
    if (call === undefined || typeof width !== 'number' || width % channels !== 0) return undefined;
    const rule = LINEAR[call.kernel];
    if (rule !== undefined) return isFoldable(program, call, rule, width) ? { linear: call, rule, bias, reshapes } : undefined;
    if (call.kernel === 'Reshape' && bias === undefined) {
      reshapes.unshift(call);
      id = inputOf(call, 'x');
    } else if (call.kernel === 'Add' && bias === undefined) {
      const [a, b] = [inputOf(call, 'a'), inputOf(call, 'b')];
      const added = [a, b].find((side) => side !== undefined && isRow(program, side, width));
      if (added === undefined) return undefined;
      bias = program.constants.get(added);
      id = added === a ? b : a;
    } else return undefined;
  }
  return undefined;
}

/** A constant with one number for each of `width` channels, in the last axis, or one for all. */
function isRow(program: Program, id: ValueId, width: number): boolean {
  const count = program.constants.has(id) && dtypeOf(program, id) === 'float32' ? countOf(shapeOf(program, id)) : undefined;
  return count === 1 || (count === width && shapeOf(program, id).at(-1) === width);
}

/** Channels of a batch norm over the last axis whose statistics are constants. */
function channelsOf(program: Program, norm: KernelCall): number | undefined {
  const channels = shapeOf(program, inputOf(norm, 'x') ?? -1).at(-1);
  if (typeof channels !== 'number') return undefined;
  const statistics = ['mean', 'variance', 'scale', 'offset'].map((name) => inputOf(norm, name));
  return statistics.every((id) => id === undefined || isRow(program, id, channels)) ? channels : undefined;
}

function isFoldable(program: Program, call: KernelCall, rule: Linear, width: number): boolean {
  const [weights, bias] = [inputOf(call, rule.weights), inputOf(call, 'bias')];
  const plain = (call.attrs['activation'] ?? 'linear') === 'linear' && call.attrs['dataFormat'] !== 'NCHW' && inputOf(call, 'preluActivationWeights') === undefined;
  return plain && weights !== undefined && program.constants.has(weights) && (bias === undefined || isRow(program, bias, width));
}

/** x·w + c normalised is x·(w·s) + ((c − mean)·s + offset), s = scale / √(variance + ε). In double precision. */
function fold(norm: KernelCall, match: Match, on: Rewriter): void {
  const { linear, rule } = match;
  const width = Number(on.shape(outputOf(linear)).at(-1));
  const read = (call: KernelCall, name: string, fallback: number): ((channel: number) => number) => at(on.constants.get(inputOf(call, name) ?? -1), fallback);
  const [mean, variance, scale, offset] = [read(norm, 'mean', 0), read(norm, 'variance', 1), read(norm, 'scale', 1), read(norm, 'offset', 0)];
  const epsilon = Number(norm.attrs['varianceEpsilon'] ?? 1e-3);
  const channels = Number(on.shape(outputOf(norm)).at(-1));
  const factor = (channel: number): number => scale(channel % channels) / Math.sqrt(variance(channel % channels) + epsilon);
  const [own, added] = [read(linear, 'bias', 0), at(match.bias, 0)];
  const bias = Float32Array.from({ length: width }, (_, i) => (own(i) + added(i) - mean(i % channels)) * factor(i) + offset(i % channels));

  const weights = on.at(inputOf(linear, rule.weights) ?? -1);
  const shape = on.shape(weights).map(Number);
  const data = on.constants.get(weights) ?? new Float32Array();
  const scaled = on.constant('float32', shape, Float32Array.from(data, (w, i) => w * factor(rule.channel(i, shape, linear.attrs))));
  const shift = on.constant('float32', [width], bias);
  const inputs = Object.fromEntries(Object.entries(linear.inputs).map(([name, ids]) => [name, Array.isArray(ids) ? ids : on.at(ids)]));
  let value = on.value('float32', on.shape(outputOf(linear)));
  if (rule.fused === undefined) {
    on.emit({ ...linear, inputs: { ...inputs, [rule.weights]: scaled }, outputs: [value] });
    const sum = on.value('float32', on.shape(value));
    on.emit({ ...norm, kernel: 'Add', inputs: { a: value, b: shift }, attrs: {}, outputs: [sum] });
    value = sum;
  } else {
    on.emit({ ...linear, kernel: rule.fused, inputs: { ...inputs, [rule.weights]: scaled, bias: shift }, attrs: { ...linear.attrs, activation: 'linear' }, outputs: [value] });
  }
  for (const reshape of match.reshapes) {
    const shaped = on.value('float32', on.shape(outputOf(reshape)));
    on.emit({ ...reshape, inputs: { x: value }, outputs: [shaped] });
    value = shaped;
  }
  on.replace(outputOf(norm), value);
}

/** Element i, the only one, or the fallback. */
function at(data: ConstantData | ArrayLike<number> | undefined, fallback: number): (i: number) => number {
  return (i) => (data === undefined ? fallback : (data[data.length === 1 ? 0 : i] ?? fallback));
}
