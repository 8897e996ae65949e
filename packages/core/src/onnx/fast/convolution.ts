// The parameters of a Conv or ConvTranspose node that algorithms and cost estimates need.
import type { Fact } from '../infer/index.js';
import type { Node, TensorProto } from '../ir.js';
import { attributesOf, operatorOf } from '../facts/shapes.js';
import { floatsOf, sizesOf } from '../facts/tensors.js';
import type { Axis } from './tiling.js';

/**
 * A two-dimensional convolution with constant weights. A transposed convolution is described as the adjoint of one: its
 * input is the smaller picture.
 */
export interface PictureConvolution {
  node: Node;
  transposed: boolean;
  /** Channels of the larger picture, and of the smaller one. */
  large: number;
  small: number;
  height: Axis;
  width: Axis;
  /** Pictures per run, if the graph fixes it. */
  batch: number | undefined;
  /** For both kinds of node: [small, large, kernel, kernel]. */
  weights: TensorProto;
}

/**
 * The convolution that `node` computes; undefined for groups, dilation, dynamic sizes, weights that are not constant,
 * and other nodes.
 */
export function describe(
  node: Node,
  facts: ReadonlyMap<string, Fact>,
  initializers: ReadonlyMap<string, TensorProto>,
): PictureConvolution | undefined {
  const transposed = operatorOf(node) === 'ConvTranspose';
  if (!transposed && operatorOf(node) !== 'Conv') return undefined;
  const [x, y] = [facts.get(node.inputs[0] ?? ''), facts.get(node.outputs[0] ?? '')];
  const weights = initializers.get(node.inputs[1] ?? '');
  const bias = node.inputs[2] ?? '';
  if (
    x?.dtype !== 'float32' ||
    y === undefined ||
    weights === undefined ||
    x.shape.length !== 4 ||
    floatsOf(weights) === undefined
  )
    return undefined;
  if (bias !== '' && floatsOf(initializers.get(bias)) === undefined) return undefined;
  const attributes = attributesOf(node);
  const numbers = (name: string): readonly number[] | undefined => {
    const value = attributes[name];
    return typeof value === 'object' ? value : undefined;
  };
  if (
    (attributes['group'] ?? 1) !== 1 ||
    numbers('dilations')?.some((d) => d !== 1) === true ||
    (attributes['auto_pad'] ?? 'NOTSET') !== 'NOTSET' ||
    numbers('output_shape') !== undefined
  )
    return undefined;
  const [small = 0, large = 0, ...kernel] = sizesOf(weights);
  const [larger, smaller] = transposed ? [y, x] : [x, y];
  const axis = (i: number): Axis | undefined => {
    const [from, to] = [larger.shape[i + 2], smaller.shape[i + 2]];
    if (typeof from !== 'number' || typeof to !== 'number') return undefined;
    return {
      large: from,
      small: to,
      kernel: kernel[i] ?? 0,
      stride: numbers('strides')?.[i] ?? 1,
      before: numbers('pads')?.[i] ?? 0,
    };
  };
  const [height, width] = [axis(0), axis(1)];
  const batch = x.shape[0];
  return height === undefined || width === undefined
    ? undefined
    : { node, transposed, large, small, height, width, batch: typeof batch === 'number' ? batch : undefined, weights };
}
