// Ops that slide a window: convolutions and pools. The formulas are those of the ONNX operator pages, with ceil_mode
// and auto_pad as in onnxruntime.
import type { Dim } from '../../tensor.js';
import { add, ceilDivide, extreme, floorDivide, multiply, subtract } from './dims.js';
import { agree, dimOf, fail, int, ints, oneType, ranked, text, type InferNode, type Rule } from './fact.js';

interface Windows {
  kernel: readonly Dim[];
  strides: readonly number[];
  dilations: readonly number[];
  pads: readonly number[];
  autoPad: string;
}

function listed(node: InferNode, name: string, length: number, fallback: number): readonly number[] {
  const values = ints(node, name) ?? new Array<number>(length).fill(fallback);
  if (values.length !== length) fail(node, `${name}: expected ${length} numbers, got [${values.join(', ')}]`);
  return values;
}

function windows(node: InferNode, axes: number, weights?: readonly Dim[]): Windows {
  const kernel = ints(node, 'kernel_shape') ?? weights ?? fail(node, 'kernel_shape: expected the size of the window');
  if (kernel.length !== axes) fail(node, `kernel_shape: expected ${axes} numbers, got [${kernel.join(', ')}]`);
  if (weights !== undefined && kernel.some((k, i) => !agree(k, weights[i] ?? k)))
    fail(node, `kernel_shape: expected [${weights.join(', ')}], got [${kernel.join(', ')}]`);
  return {
    kernel,
    strides: listed(node, 'strides', axes, 1),
    dilations: listed(node, 'dilations', axes, 1),
    pads: listed(node, 'pads', 2 * axes, 0),
    autoPad: text(node, 'auto_pad', 'NOTSET'),
  };
}

/** The window's extent along an axis: (kernel - 1) · dilation + 1. */
const extent = (w: Windows, axis: number): Dim =>
  add(multiply(subtract(w.kernel[axis] ?? 1, 1), w.dilations[axis] ?? 1), 1);

/** Number of window positions along each axis. */
function slid(node: InferNode, spatial: readonly Dim[], w: Windows, ceil = false): Dim[] {
  return spatial.map((size, axis) => {
    const stride = w.strides[axis] ?? 1;
    if (w.autoPad.startsWith('SAME')) return ceilDivide(size, stride);
    const [before, after] = w.autoPad === 'VALID' ? [0, 0] : [w.pads[axis] ?? 0, w.pads[axis + spatial.length] ?? 0];
    const room = add(size, before, after, multiply(extent(w, axis), -1));
    if (typeof room === 'number' && room < 0)
      fail(
        node,
        `expected a window of at most ${add(size, before, after)} along spatial axis ${axis}, got ${extent(w, axis)}`,
      );
    if (!ceil) return add(floorDivide(room, stride), 1);
    // The last window must begin inside the data or the pad before it.
    return extreme('min', add(ceilDivide(room, stride), 1), ceilDivide(add(size, before), stride));
  });
}

const Conv: Rule = (node) => {
  const [x, w] = [ranked(node, 0, 3), ranked(node, 1, 3)];
  if (x.shape.length !== w.shape.length)
    fail(node, `expected weights of rank ${x.shape.length}, got [${w.shape.join(', ')}]`);
  const group = int(node, 'group', 1);
  const [channels, inner, outer] = [dimOf(node, x, 1), dimOf(node, w, 1), dimOf(node, w, 0)];
  if (!agree(channels, multiply(inner, group)))
    fail(
      node,
      `expected ${multiply(inner, group)} input channels (weights [${w.shape.join(', ')}], group ${group}), got ` +
        `${channels}`,
    );
  bias(node, outer);
  const axes = x.shape.length - 2;
  return [
    {
      dtype: oneType(node),
      shape: [dimOf(node, x, 0), outer, ...slid(node, x.shape.slice(2), windows(node, axes, w.shape.slice(2)))],
    },
  ];
};

function bias(node: InferNode, channels: Dim): void {
  const b = node.inputs[2];
  if (b !== undefined && (b.shape.length !== 1 || !agree(b.shape[0] ?? 0, channels)))
    fail(node, `input 2: expected a bias [${channels}], got [${b.shape.join(', ')}]`);
}

const ConvTranspose: Rule = (node) => {
  const [x, w] = [ranked(node, 0, 3), ranked(node, 1, 3)];
  if (x.shape.length !== w.shape.length)
    fail(node, `expected weights of rank ${x.shape.length}, got [${w.shape.join(', ')}]`);
  const [channels, outer] = [dimOf(node, x, 1), multiply(dimOf(node, w, 1), int(node, 'group', 1))];
  if (!agree(channels, dimOf(node, w, 0)))
    fail(node, `expected ${dimOf(node, w, 0)} input channels (weights [${w.shape.join(', ')}]), got ${channels}`);
  bias(node, outer);
  const axes = x.shape.length - 2;
  const s = windows(node, axes, w.shape.slice(2));
  const given = ints(node, 'output_shape');
  const extra = listed(node, 'output_padding', axes, 0);
  const spatial = x.shape.slice(2).map((size, axis): Dim => {
    if (given !== undefined)
      return (
        given[given.length - axes + axis] ??
        fail(node, `output_shape: expected ${axes} numbers, got [${given.join(', ')}]`)
      );
    const stride = s.strides[axis] ?? 1;
    const full = add(multiply(subtract(size, 1), stride), extra[axis] ?? 0, extent(s, axis));
    if (!s.autoPad.startsWith('SAME'))
      return s.autoPad === 'VALID' ? full : add(full, -(s.pads[axis] ?? 0), -(s.pads[axis + axes] ?? 0));
    return extreme('min', full, multiply(size, stride));
  });
  return [{ dtype: oneType(node), shape: [dimOf(node, x, 0), outer, ...spatial] }];
};

const pool: Rule = (node) => {
  const x = ranked(node, 0, 3);
  const w = windows(node, x.shape.length - 2);
  const shape = [...x.shape.slice(0, 2), ...slid(node, x.shape.slice(2), w, int(node, 'ceil_mode', 0) !== 0)];
  return [
    { dtype: x.dtype, shape },
    { dtype: 'int64', shape },
  ];
};

const globalPool: Rule = (node) => {
  const { dtype, shape } = ranked(node, 0, 3);
  return [{ dtype, shape: shape.map((dim, i) => (i < 2 ? dim : 1)) }];
};

/** Rules of the convolutions and pools. */
export const window: Record<
  'AveragePool' | 'Conv' | 'ConvTranspose' | 'GlobalAveragePool' | 'GlobalMaxPool' | 'MaxPool',
  Rule
> = {
  AveragePool: (node) => pool(node).slice(0, 1),
  Conv,
  ConvTranspose,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  MaxPool: pool,
};
