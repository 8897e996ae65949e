// Shapes of three-dimensional convolution and pooling, and of their adjoints, by tfjs's own arithmetic.
import { backend_util } from '@tensorflow/tfjs';
import type { VolumeKernel } from '../../kernels/names.js';
import type { AttrsOf } from '../../kernels/attributes.js';
import type { ShapeRule } from './rule.js';
import { likeInput, one, roundingAttribute, stated } from './window.js';

type Five = [number, number, number, number, number];
type Steps = number | [number, number, number];
type Pad = Parameters<typeof backend_util.computePool3DInfo>[4];

/** A shape of exactly five axes. */
function five(shape: readonly number[], what: string): Five {
  const [a, b, c, d, e] = shape;
  if (shape.length !== 5 || a === undefined || b === undefined || c === undefined || d === undefined || e === undefined)
    throw new Error(`${what}: expected rank 5, got shape [${shape.join(', ')}]`);
  return [a, b, c, d, e];
}

/** An attribute that is one number, or three (one per spatial axis). */
function tripleAttribute(value: unknown, fallback: Steps): Steps {
  if (typeof value === 'number') return value;
  if (!Array.isArray(value)) return fallback;
  const [a, b, c] = value.map(Number);
  return [a ?? 1, b ?? a ?? 1, c ?? a ?? 1];
}

function channelsLast(attrs: AttrsOf<string>, kernel: string): void {
  const format = attrs['dataFormat'] ?? 'NDHWC';
  if (format !== 'NDHWC') throw new Error(`${kernel}: expected dataFormat NDHWC, got ${JSON.stringify(format)}`);
}

const Conv3D: ShapeRule<'Conv3D'> = (inputs, attrs) => {
  channelsLast(attrs, 'Conv3D');
  const [x, filter] = [
    five(one(inputs, 'x', 'Conv3D').shape, 'Conv3D input'),
    five(one(inputs, 'filter', 'Conv3D').shape, 'Conv3D filter'),
  ];
  const info = backend_util.computeConv3DInfo(
    x,
    filter,
    tripleAttribute(attrs['strides'], 1),
    tripleAttribute(attrs['dilations'], 1),
    attrs['pad'] as 'same' | 'valid',
  ); // tfjs refuses an unknown pad
  return [{ shape: info.outShape, dtype: 'float32' }];
};

function pool(kernel: string): ShapeRule {
  return (inputs, attrs) => {
    channelsLast(attrs, kernel);
    const x = one(inputs, 'x', kernel);
    const window = tripleAttribute(attrs['filterSize'], 1);
    const info = backend_util.computePool3DInfo(
      five(x.shape, kernel),
      window,
      tripleAttribute(attrs['strides'], window),
      1,
      attrs['pad'] as Pad,
      roundingAttribute(attrs),
      'NDHWC',
    ); // tfjs refuses an unknown pad
    return [{ shape: info.outShape, dtype: 'float32' }];
  };
}

/** Three-dimensional kernels. */
export const volumeShapes: Record<VolumeKernel, ShapeRule> = {
  AvgPool3D: pool('AvgPool3D'),
  AvgPool3DGrad: likeInput('AvgPool3DGrad'),
  Conv3D,
  Conv3DBackpropFilterV2: stated('Conv3DBackpropFilterV2', 'filterShape'),
  Conv3DBackpropInputV2: stated('Conv3DBackpropInputV2', 'inputShape'),
  MaxPool3D: pool('MaxPool3D'),
  MaxPool3DGrad: likeInput('MaxPool3DGrad'),
};
