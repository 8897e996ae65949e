// Moves a convolution before the nearest-neighbour enlargement that it reads. After enlarging by a factor f, the f²
// pixels made from one source pixel see few distinct neighbours, so a small convolution on the source can compute them
// as groups of channels, one per distinct combination of taps, and depthToSpace puts them in place. This saves work,
// and the enlarged picture, often the largest tensor of a network, is never made.
import { filtersPictures, traitsOf } from '../kernels/traits.js';
import type { ConstantData, KernelCall, Program, Size } from '../program/program.js';
import { times } from '../program/size.js';
import { inputOf, outputOf, producers, Rewriter, sameSize, useCounts } from '../program/graph.js';

/** One axis of the convolution on the enlarged picture, expressed on the axis of the small picture. */
interface Axis {
  /**
   * The distinct combinations of taps: `ways[i][u]` lists the taps of the original kernel that fall on pixel u of the
   * small kernel.
   */
  ways: number[][][];
  /** Index into `ways` for each of the `factor` pixels made from one source pixel. */
  of: number[];
  /** Size of the small kernel. */
  size: number;
}

/** Cost of writing and reading a float, in multiply-adds; see core's onnx/fast/price.ts. */
const MOVE = 15;
/** The new form must cost less than this fraction of the old one. */
const GAIN = 0.75;
/** Largest filter, in elements: saved time should not cost much file size. */
const LARGEST_FILTER = 2 ** 18;

/**
 * Moves such convolutions to the small picture. Filters and biases must be constants, so this runs last, after
 * everything is folded into them.
 */
export function convolveBeforeEnlarging(program: Program): Program {
  const [from, uses] = [producers(program), useCounts(program)];
  const rewriter = new Rewriter(program);
  return rewriter.run((call) => {
    const x = inputOf(call, 'x');
    const enlarging = x === undefined || uses.get(x) !== 1 ? undefined : from.get(x);
    if (enlarging === undefined || !rewrite(call, enlarging, rewriter)) rewriter.emit(call);
  });
}

function rewrite(call: KernelCall, enlarging: KernelCall, on: Rewriter): boolean {
  const [small, filter, bias] = [inputOf(enlarging, 'images'), inputOf(call, 'filter'), inputOf(call, 'bias')];
  if (
    !filtersPictures(call.kernel) ||
    traitsOf(call.kernel).convolution?.depthwise === true ||
    enlarging.kernel !== 'ResizeNearestNeighbor' ||
    enlarging.attrs['alignCorners'] === true ||
    small === undefined ||
    filter === undefined
  )
    return false;
  const weights = on.constants.get(filter);
  const offsets = bias === undefined ? undefined : on.constants.get(bias);
  if (
    weights === undefined ||
    (bias !== undefined && offsets === undefined) ||
    inputOf(call, 'preluActivationWeights') !== undefined ||
    call.attrs['dataFormat'] === 'NCHW'
  )
    return false;
  const [height, width, inputs = 0, outputs = 0] = on.shape(filter).map(Number);
  if (
    ![call.attrs['strides'], call.attrs['dilations']].every((value) => [value ?? 1].flat().every((n) => n === 1)) ||
    (offsets !== undefined && offsets.length !== outputs)
  )
    return false;
  const [large, y] = [on.shape(outputOf(enlarging)), outputOf(call)];
  const factor = factorOf(on.shape(small)[1], large[1]);
  if (
    factor === undefined ||
    factor !== factorOf(on.shape(small)[2], large[2]) ||
    ![1, 2].every((i) => sameSize(large[i], on.shape(y)[i]))
  )
    return false;
  const [rows, columns] = [
    axisOf(height ?? 0, factor, call.attrs['pad']),
    axisOf(width ?? 0, factor, call.attrs['pad']),
  ];
  if (rows === undefined || columns === undefined) return false;
  const pixels = factor * factor;
  const few = rows.ways.length * columns.ways.length;
  const work = (groups: number): number => rows.size * columns.size * inputs * padded(groups * outputs);
  const price = (groups: number): number => work(groups) + MOVE * pixels * outputs * (groups < pixels ? 2 : 1);
  const most = GAIN * pixels * ((height ?? 0) * (width ?? 0) * inputs * padded(outputs) + MOVE * inputs);
  // Sharing equal groups takes an extra Gather, which some runtimes lack, so share only if it halves the work or if the
  // rewrite would not pay otherwise.
  const repeats = few < pixels && (2 * work(few) <= work(pixels) || price(pixels) > most);
  const [down, across] = repeats ? [rows, columns] : [separate(rows), separate(columns)];
  const groups = down.ways.length * across.ways.length;
  if (price(groups) > most || rows.size * columns.size * inputs * groups * outputs > LARGEST_FILTER) return false;

  const shape = on.shape(small).slice(0, 3);
  const made = on.value('float32', [...shape, groups * outputs]);
  const summed = on.constant(
    'float32',
    [rows.size, columns.size, inputs, groups * outputs],
    sums(weights, [height ?? 0, width ?? 0, inputs, outputs], down, across),
  );
  const biases =
    offsets === undefined || bias === undefined
      ? {}
      : {
          bias: on.constant(
            'float32',
            [groups * outputs],
            Float32Array.from({ length: groups * outputs }, (_, i) => offsets[i % outputs] ?? 0),
          ),
        };
  on.emit({
    ...call,
    inputs: { ...call.inputs, x: small, filter: summed, ...biases },
    attrs: { ...call.attrs, pad: 'same' },
    outputs: [made],
  });
  let channels = made;
  if (repeats) {
    // Expand the distinct groups to one group per pixel.
    const order = down.of.flatMap((r) =>
      across.of.flatMap((c) => Array.from({ length: outputs }, (_, o) => (r * across.ways.length + c) * outputs + o)),
    );
    channels = on.value('float32', [...shape, order.length]);
    on.emit({
      ...call,
      kernel: 'GatherV2',
      inputs: { x: made, indices: on.constant('int32', [order.length], Int32Array.from(order)) },
      attrs: { axis: 3, batchDims: 0 },
      outputs: [channels],
    });
  }
  on.emit({
    ...call,
    kernel: 'DepthToSpace',
    inputs: { x: channels },
    attrs: { blockSize: factor, dataFormat: 'NHWC' },
    outputs: [y],
  });
  return true;
}

/** The axis with a separate group for every pixel, equal or not. */
const separate = ({ ways, of, size }: Axis): Axis => ({
  ways: of.map((way) => ways[way] ?? []),
  of: of.map((_, phase) => phase),
  size,
});

/** Channels rounded up to the vector width. */
const padded = (channels: number): number => 8 * Math.ceil(channels / 8);

/** The integer factor between two sizes, if it is at least 2. */
function factorOf(small: Size | undefined, large: Size | undefined): number | undefined {
  if (small === undefined || large === undefined) return undefined;
  const [[key, one] = ['', 0]] = typeof small === 'number' ? [['', small] as const] : Object.entries(small.terms);
  const all = typeof large === 'number' ? (key === '' ? large : 0) : (large.terms[key] ?? 0);
  const factor = all / one;
  return Number.isInteger(factor) && factor >= 2 && sameSize(times(small, factor), large) ? factor : undefined;
}

/**
 * One axis of the convolution. Undefined if the padding does not keep the size, or if it would not be `same` on the
 * small picture.
 */
function axisOf(kernel: number, factor: number, pad: unknown): Axis | undefined {
  const before =
    pad === 'same' ? Math.floor((kernel - 1) / 2) : typeof pad === 'number' && 2 * pad === kernel - 1 ? pad : undefined;
  if (before === undefined || kernel < 2) return undefined;
  // Offset, in the small picture, of the pixel that `tap` reads for number `phase` of the output pixels made from one
  // source pixel.
  const pixel = (phase: number, tap: number): number => Math.floor((phase - before + tap) / factor);
  const least = pixel(0, 0);
  const size = pixel(factor - 1, kernel - 1) - least + 1;
  if (-least !== Math.floor((size - 1) / 2)) return undefined;
  const ways: number[][][] = [];
  const of = Array.from({ length: factor }, (_, phase) => {
    const way = Array.from({ length: size }, (_, u) =>
      Array.from({ length: kernel }, (_, tap) => tap).filter((tap) => pixel(phase, tap) - least === u),
    );
    const known = ways.findIndex(
      (other) => String(other.map((taps) => `${taps};`)) === String(way.map((taps) => `${taps};`)),
    );
    return known >= 0 ? known : ways.push(way) - 1;
  });
  return { ways, of, size };
}

/** Filter of the small convolution: each weight is a sum of taps, in double precision. */
function sums(
  weights: ConstantData,
  [, width, inputs, outputs]: readonly [number, number, number, number],
  rows: Axis,
  columns: Axis,
): Float32Array {
  const groups = rows.ways.length * columns.ways.length;
  const made = new Float32Array(rows.size * columns.size * inputs * groups * outputs);
  for (const [a, row] of rows.ways.entries())
    for (const [b, column] of columns.ways.entries()) {
      for (const [u, ups] of row.entries())
        for (const [v, acrosses] of column.entries()) {
          for (let i = 0; i < inputs; i++)
            for (let o = 0; o < outputs; o++) {
              let sum = 0;
              for (const up of ups)
                for (const across of acrosses) sum += weights[((up * width + across) * inputs + i) * outputs + o] ?? 0;
              made[
                ((u * columns.size + v) * inputs + i) * groups * outputs + (a * columns.ways.length + b) * outputs + o
              ] = sum;
            }
        }
    }
  return made;
}
