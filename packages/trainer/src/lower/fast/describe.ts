// Describes a convolution call by numbers, for the algorithms and the choice among them; undefined if only the portable
// rows apply.
import type { Axis } from '@forja/core/onnx';
import type { SharedAttrs } from '../../kernels/attributes.js';
import { isStatic, type Size } from '../../program/program.js';
import { pair } from '../kernels/spatial.js';
import type { Convolution } from './contract.js';

/** Shapes of the three tensors of a convolution and its adjoints. */
export interface Sides {
  large: readonly Size[];
  small: readonly Size[];
  /** [kh, kw, C, Co], or split by the stride: [a, sr, b, sc, C, Co]. */
  filter: readonly Size[];
}

/** The convolution; undefined if a size is dynamic, it is dilated, or its dataFormat is NCHW. */
export function describe(
  attrs: SharedAttrs<'Conv2D' | 'Conv2DBackpropFilter' | 'Conv2DBackpropInput'>,
  { large, small, filter }: Sides,
): Convolution | undefined {
  if (attrs['dataFormat'] === 'NCHW' || pair(attrs['dilations']).some((d) => d !== 1)) return undefined;
  const sizes = [large, small, filter].map((shape) => (shape.every(isStatic) ? shape : undefined));
  const [x, y, w] = sizes;
  if (x === undefined || y === undefined || w === undefined || x.length !== 4 || y.length !== 4) return undefined;
  const kernel = w.length === 6 ? [product(w.slice(0, 2)), product(w.slice(2, 4))] : w.slice(0, 2);
  const strides = pair(attrs['strides']);
  const [height, width] = [0, 1].map((i) =>
    axisOf(x[i + 1] ?? 1, y[i + 1] ?? 1, kernel[i] ?? 1, strides[i as 0 | 1], attrs['pad'], i + 1),
  ); // two spatial axes
  if (height === undefined || width === undefined) return undefined;
  return { batch: x[0] ?? 1, channels: w.at(-2) ?? 1, outChannels: w.at(-1) ?? 1, height, width };
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

function axisOf(
  large: number,
  small: number,
  kernel: number,
  stride: number,
  pad: unknown,
  axis: number,
): Axis | undefined {
  const before =
    pad === 'same' ? Math.floor(Math.max(0, (small - 1) * stride + kernel - large) / 2) : padBefore(pad, axis);
  return before === undefined || small < 1 || large < 1 ? undefined : { large, small, kernel, stride, before };
}

function padBefore(pad: unknown, axis: number): number | undefined {
  if (pad === 'valid' || pad === undefined || pad === null) return 0;
  if (typeof pad === 'number') return pad;
  const entry: unknown = Array.isArray(pad) ? pad[axis] : undefined;
  return Array.isArray(entry) && typeof entry[0] === 'number' ? entry[0] : undefined;
}
