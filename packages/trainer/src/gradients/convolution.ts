// Conv2D, its input gradient and its filter gradient are bilinear and each other's adjoints: three rows that refer to
// one another. Likewise for depthwise and 3-D convolutions. Gradients of dilated ones, which tfjs's gradient kernels do
// not support, are written with other kernels.
import * as tf from '@tensorflow/tfjs';
import type { SharedAttrs } from '../kernels/attributes.js';
import { spreadAlong } from './movement.js';
import { at, kernel, type GradientTable, type KernelGradient } from './tape.js';

/** The attributes that a convolution and its adjoints have. */
type Attributes = SharedAttrs<Family['forward']>;

type Pair = [number, number];

function pairOf(value: unknown): Pair {
  if (typeof value === 'number') return [value, value];
  return Array.isArray(value) ? [Number(value[0]), Number(value[1] ?? value[0])] : [1, 1];
}

const isDilated = ({ dilations }: Attributes): boolean =>
  (Array.isArray(dilations) ? dilations : [dilations ?? 1]).some((d) => d !== 1);

/**
 * The attributes of a convolution that its adjoints share. tf.layers leaves out a depthwise convolution's dilations,
 * which the kernels of the adjoints need.
 */
function shared(attrs: Attributes): Attributes {
  const { strides, pad, dataFormat, dimRoundingMode, dilations } = attrs;
  return { strides, pad, dataFormat, dimRoundingMode, dilations: dilations ?? 1 };
}

/** Names of the three kernels of a family. */
interface Family {
  forward: 'Conv2D' | 'DepthwiseConv2dNative' | 'Conv3D';
  input: 'Conv2DBackpropInput' | 'DepthwiseConv2dNativeBackpropInput' | 'Conv3DBackpropInputV2';
  filter: 'Conv2DBackpropFilter' | 'DepthwiseConv2dNativeBackpropFilter' | 'Conv3DBackpropFilterV2';
}
const PLAIN: Family = { forward: 'Conv2D', input: 'Conv2DBackpropInput', filter: 'Conv2DBackpropFilter' };
const DEPTHWISE: Family = {
  forward: 'DepthwiseConv2dNative',
  input: 'DepthwiseConv2dNativeBackpropInput',
  filter: 'DepthwiseConv2dNativeBackpropFilter',
};
const VOLUME: Family = {
  forward: 'Conv3D',
  input: 'Conv3DBackpropInputV2',
  filter: 'Conv3DBackpropFilterV2',
};

const forward = (f: Family, x: tf.Tensor, filter: tf.Tensor, attrs: Attributes): tf.Tensor =>
  kernel(f.forward, { x, filter }, shared(attrs));
const toInput = (f: Family, dy: tf.Tensor, filter: tf.Tensor, attrs: Attributes, inputShape: number[]): tf.Tensor =>
  kernel(f.input, { dy, filter }, { ...shared(attrs), inputShape });
const toFilter = (f: Family, x: tf.Tensor, dy: tf.Tensor, attrs: Attributes, filterShape: number[]): tf.Tensor =>
  kernel(f.filter, { x, dy }, { ...shared(attrs), filterShape });

/** The two gradients of a dilated convolution. */
interface Dilated {
  input: (xShape: number[], dy: tf.Tensor, filter: tf.Tensor, attrs: Attributes) => tf.Tensor;
  filter: (x: tf.Tensor, dy: tf.Tensor, filterShape: number[], attrs: Attributes) => tf.Tensor;
}

function rows(f: Family, dilated: Dilated): GradientTable {
  const convolution: KernelGradient<Family['forward']> = {
    inputs: ['x', 'filter'],
    grad: (dy, saved, attrs) => {
      const [x, filter] = [at(saved, 0), at(saved, 1)];
      if (isDilated(attrs))
        return {
          x: () => dilated.input(x.shape, dy, filter, attrs),
          filter: () => dilated.filter(x, dy, filter.shape, attrs),
        };
      return { x: () => toInput(f, dy, filter, attrs, x.shape), filter: () => toFilter(f, x, dy, attrs, filter.shape) };
    },
  };
  const inputGradient: KernelGradient<Family['input']> = {
    inputs: ['dy', 'filter'],
    grad: (ddx, saved, attrs) => {
      const [dy, filter] = [at(saved, 0), at(saved, 1)];
      return { dy: () => forward(f, ddx, filter, attrs), filter: () => toFilter(f, ddx, dy, attrs, filter.shape) };
    },
  };
  const filterGradient: KernelGradient<Family['filter']> = {
    inputs: ['x', 'dy'],
    grad: (ddw, saved, attrs) => {
      const [x, dy] = [at(saved, 0), at(saved, 1)];
      return { x: () => toInput(f, dy, ddw, attrs, x.shape), dy: () => forward(f, x, ddw, attrs) };
    },
  };
  return { [f.forward]: convolution, [f.input]: inputGradient, [f.filter]: filterGradient };
}

/**
 * A dilated convolution is a plain one whose filter has zeros between its taps. This method works for any number of
 * axes and any layout.
 */
function withWideFilter(f: Family): Dilated {
  const plain = (attrs: Attributes): Attributes => ({ ...attrs, dilations: 1 });
  const along = (filterShape: readonly number[], attrs: Attributes): { size: number; stride: number }[] => {
    const given: unknown = attrs['dilations'];
    return filterShape.slice(0, -2).map((taps, axis) => {
      const stride = Number(Array.isArray(given) ? given[axis] : given);
      return { size: (taps - 1) * stride + 1, stride };
    });
  };
  return {
    input: (xShape, dy, filter, attrs) => {
      const wide = along(filter.shape, attrs).reduce(
        (t, { size, stride }, axis) => spreadAlong(t, axis, { size, first: 0, stride }),
        filter,
      );
      return toInput(f, dy, wide, plain(attrs), xShape);
    },
    filter: (x, dy, filterShape, attrs) => {
      const axes = along(filterShape, attrs);
      const shape = [...axes.map(({ size }) => size), ...filterShape.slice(-2)];
      const strides = [...axes.map(({ stride }) => stride), 1, 1];
      return tf.stridedSlice(
        toFilter(f, x, dy, plain(attrs), shape),
        shape.map(() => 0),
        shape,
        strides,
      );
    },
  };
}

/** Zeros around the rows and columns of a dilated (hence stride 1) convolution's input. */
function dilatedPads(
  xShape: readonly number[],
  filterShape: readonly number[],
  attrs: Attributes,
): { top: number; bottom: number; left: number; right: number; d: Pair } {
  type Quad = [number, number, number, number];
  const d = pairOf(attrs['dilations']);
  // The casts are safe: the forward kernel has checked the shapes, and tfjs checks `pad`.
  const info = tf.backend_util.computeConv2DInfo(
    xShape as Quad,
    filterShape as Quad,
    pairOf(attrs['strides']),
    d,
    attrs['pad'] as 'same',
    attrs['dimRoundingMode'] as 'floor' | undefined,
  );
  const { top, bottom, left, right } = info.padInfo;
  return { top, bottom, left, right, d };
}

/** Zero-pads rows and columns; negative padding crops. */
function around(x: tf.Tensor, ...sides: [rows: Pair, columns: Pair]): tf.Tensor {
  const cut = sides.map(([before, after], i): Pair => {
    const begin = Math.max(0, -before);
    return [begin, (x.shape[i + 1] ?? 0) - begin - Math.max(0, -after)];
  });
  const isCut = sides.flat().some((p) => p < 0);
  const [n = 1, , , c = 1] = x.shape;
  const inner = isCut ? tf.slice(x, [0, ...cut.map(([begin]) => begin), 0], [n, ...cut.map(([, size]) => size), c]) : x;
  const pads = sides.map(([before, after]): Pair => [Math.max(0, before), Math.max(0, after)]);
  return pads.flat().every((p) => p === 0) ? inner : tf.pad(inner, [[0, 0], ...pads, [0, 0]]);
}

/** The output gradient, padded so that a valid convolution with the flipped filter gives the input's shape. */
function paddedGradient(
  xShape: readonly number[],
  dy: tf.Tensor,
  filterShape: readonly number[],
  attrs: Attributes,
): { gradient: tf.Tensor; d: Pair } {
  const { top, left, d } = dilatedPads(xShape, filterShape, attrs);
  const full = (axis: 0 | 1): number => ((filterShape[axis] ?? 1) - 1) * d[axis];
  const before = [full(0) - top, full(1) - left];
  const after = [0, 1].map(
    (i) => (xShape[i + 1] ?? 0) + full(i === 0 ? 0 : 1) - (before[i] ?? 0) - (dy.shape[i + 1] ?? 0),
  );
  return { gradient: around(dy, [before[0] ?? 0, after[0] ?? 0], [before[1] ?? 0, after[1] ?? 0]), d };
}

function dilatedInput(xShape: number[], dy: tf.Tensor, filter: tf.Tensor, attrs: Attributes): tf.Tensor {
  const { gradient, d } = paddedGradient(xShape, dy, filter.shape, attrs);
  const mirrored = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
  return kernel(
    'Conv2D',
    { x: gradient, filter: mirrored },
    { strides: 1, pad: 'valid', dataFormat: 'NHWC', dilations: d },
  );
}

/** A convolution whose stride is the dilation: x with batch and channels exchanged, with dy as the filter. */
function dilatedFilter(x: tf.Tensor, dy: tf.Tensor, filterShape: number[], attrs: Attributes): tf.Tensor {
  const { top, bottom, left, right, d } = dilatedPads(x.shape, filterShape, attrs);
  const padded = around(x, [top, bottom], [left, right]);
  const dw = kernel(
    'Conv2D',
    { x: tf.transpose(padded, [3, 1, 2, 0]), filter: tf.transpose(dy, [1, 2, 0, 3]) },
    { strides: d, pad: 'valid', dataFormat: 'NHWC', dilations: 1 },
  );
  return tf.transpose(dw, [1, 2, 0, 3]);
}

function dilatedDepthwiseInput(xShape: number[], dy: tf.Tensor, filter: tf.Tensor, attrs: Attributes): tf.Tensor {
  const { gradient, d } = paddedGradient(xShape, dy, filter.shape, attrs);
  const [h = 1, w = 1, channels = 1, multiplier = 1] = filter.shape;
  const each = tf.reshape(tf.reverse(filter, [0, 1]), [h, w, channels * multiplier, 1]);
  const dx = kernel(
    'DepthwiseConv2dNative',
    { x: gradient, filter: each },
    { strides: 1, pad: 'valid', dataFormat: 'NHWC', dilations: d },
  );
  return multiplier === 1 ? dx : tf.sum(tf.reshape(dx, [...xShape.slice(0, 3), channels, multiplier]), 4);
}

function dilatedDepthwiseFilter(x: tf.Tensor, dy: tf.Tensor, filterShape: number[], attrs: Attributes): tf.Tensor {
  const { top, bottom, left, right, d } = dilatedPads(x.shape, filterShape, attrs);
  const padded = around(x, [top, bottom], [left, right]);
  const [h = 1, w = 1, channels = 1, multiplier = 1] = filterShape;
  const [n = 1, rows = 1, columns = 1] = dy.shape;
  const gradient = tf.reshape(dy, [n * rows * columns, channels, multiplier]);
  const taps: tf.Tensor[] = [];
  for (let i = 0; i < h; i++) {
    for (let j = 0; j < w; j++) {
      const patch = tf.slice(padded, [0, i * d[0], j * d[1], 0], [n, rows, columns, channels]);
      taps.push(tf.sum(tf.mul(tf.reshape(patch, [n * rows * columns, channels, 1]), gradient), 0));
    }
  }
  return tf.reshape(tf.stack(taps), filterShape);
}

/** The faster method for channels-last pictures, else the general one. */
function dilatedPicture(attrs: Attributes): Dilated {
  return attrs['dataFormat'] === 'NCHW' ? withWideFilter(PLAIN) : { input: dilatedInput, filter: dilatedFilter };
}

/** Gradients of convolutions. */
export const convolutionGradients: GradientTable = {
  ...rows(PLAIN, {
    input: (xShape, dy, filter, attrs) => dilatedPicture(attrs).input(xShape, dy, filter, attrs),
    filter: (x, dy, filterShape, attrs) => dilatedPicture(attrs).filter(x, dy, filterShape, attrs),
  }),
  ...rows(VOLUME, withWideFilter(VOLUME)),
  ...rows(DEPTHWISE, { input: dilatedDepthwiseInput, filter: dilatedDepthwiseFilter }),
};
