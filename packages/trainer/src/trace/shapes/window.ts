// What the shape rules of convolution and pooling share: reading inputs and attributes as tfjs passes them.
import { backend_util } from '@tensorflow/tfjs';
import type { AttrName, AttrsOf } from '../../kernels/attributes.js';
import type { KernelInputs, ShapeRule, TensorMeta } from './rule.js';

/** tfjs's own types for the geometry attributes, which its kernels read from an untyped record. */
export type ConvPad = Parameters<typeof backend_util.computeConv2DInfo>[4];
type Rounding = Parameters<typeof backend_util.computeConv2DInfo>[5];
type Quad = [number, number, number, number];

/** One tensor input. */
export function one(inputs: KernelInputs, name: string, kernel: string): TensorMeta {
  const value = inputs[name];
  if (value === undefined || Array.isArray(value))
    throw new Error(`${kernel}: expected a tensor as ${name}, got ${value === undefined ? 'nothing' : 'a list'}`);
  return value;
}

/** A shape of exactly four axes. */
export function quad(shape: readonly number[], what: string): Quad {
  const [a, b, c, d] = shape;
  if (shape.length !== 4 || a === undefined || b === undefined || c === undefined || d === undefined)
    throw new Error(`${what}: expected rank 4, got shape [${shape.join(', ')}]`);
  return [a, b, c, d];
}

/** A shape given as an attribute. */
export function shapeAttribute<K extends string>(attrs: AttrsOf<string>, name: AttrName<K>, kernel: K): number[] {
  const value = attrs[name];
  if (!Array.isArray(value) || !value.every((v): v is number => typeof v === 'number'))
    throw new Error(`${kernel}: expected a shape as attribute ${name}, got ${JSON.stringify(value)}`);
  return [...value];
}

/** The rule of an adjoint of a convolution, whose output shape is an attribute. */
export function stated<K extends string>(kernel: K, attribute: AttrName<K>): ShapeRule {
  return (_inputs, attrs) => [{ shape: shapeAttribute(attrs, attribute, kernel), dtype: 'float32' }];
}

/** The rule of a gradient of pooling, whose output has the shape of `input`. */
export function likeInput(kernel: string): ShapeRule {
  return (inputs) => [{ shape: [...one(inputs, 'input', kernel).shape], dtype: 'float32' }];
}

/** A number or pair attribute. */
export function pairAttribute(attrs: AttrsOf<string>, name: string, fallback: [number, number]): [number, number] {
  const value = attrs[name];
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value) && typeof value[0] === 'number')
    return [value[0], typeof value[1] === 'number' ? value[1] : value[0]];
  return fallback;
}

/** Output shape of a convolution, by tfjs's own arithmetic. */
export function convShape(
  kernel: string,
  x: readonly number[],
  filter: readonly number[],
  attrs: AttrsOf<string>,
  depthwise: boolean,
): number[] {
  const format = attrs['dataFormat'] === 'NCHW' ? 'channelsFirst' : 'channelsLast';
  const [filterShape, xShape] = [quad(filter, `${kernel} filter`), quad(x, `${kernel} input`)];
  const channels = format === 'channelsFirst' ? xShape[1] : xShape[3];
  if (channels !== filterShape[2])
    throw new Error(`${kernel}: expected ${filterShape[2]} input channels as the filter has, got ${channels}`);
  return backend_util.computeConv2DInfo(
    xShape,
    filterShape,
    pairAttribute(attrs, 'strides', [1, 1]),
    pairAttribute(attrs, 'dilations', [1, 1]),
    padAttribute(attrs),
    roundingAttribute(attrs),
    depthwise,
    format,
  ).outShape;
}

/** The `pad` attribute. tfjs checks its value itself, and throws. */
export function padAttribute(attrs: AttrsOf<string>): ConvPad {
  return (attrs['pad'] ?? 'valid') as ConvPad; // checked by computeConv2DInfo
}

/** The `dimRoundingMode` attribute. */
export function roundingAttribute(attrs: AttrsOf<string>): Rounding {
  const mode = attrs['dimRoundingMode'];
  return mode === 'floor' || mode === 'round' || mode === 'ceil' ? mode : undefined;
}
