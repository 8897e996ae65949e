// Converts constants to half precision (to nearest, ties to even, subnormals kept), and checks how well half precision
// can represent them.
import { littleEndian } from '../build/constants.js';
import { floatsOf } from '../facts/tensors.js';
import { halfOf } from '../../half.js';
import { DATA_TYPE, type TensorProto } from '../ir.js';

/** Numbers above this become infinite in half precision; up to here they round to 65504. */
const LARGEST = 65519.99;

/** The smallest normal number: smaller ones lose bits. */
const NORMAL = 2 ** -14;

/** How well half precision represents the numbers of a constant. */
export interface Fit {
  /** No number becomes infinite. */
  range: boolean;
  /** The largest magnitude is a normal number, or all are zero. */
  scale: boolean;
  /** No nonzero number is below the normal range. */
  small: boolean;
}

/** How well half precision represents a constant; undefined if its numbers are external data. */
export function fitOf(tensor: TensorProto): Fit | undefined {
  const values = floatsOf(tensor);
  if (values === undefined)
    return tensor.externalData.length === 0 && tensor.dims.includes(0n)
      ? { range: true, scale: true, small: true }
      : undefined;
  let [most, least] = [0, Infinity];
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i] ?? 0);
    if (size > most && size < Infinity) most = size;
    if (size < least && size > 0) least = size;
  }
  return { range: most <= LARGEST, scale: most >= NORMAL || most === 0, small: least >= NORMAL };
}

/** The tensor in half precision, called `name`. Its data must not be external. */
export function halved(tensor: TensorProto, name: string): TensorProto {
  const values = floatsOf(tensor) ?? new Float32Array(0);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = halfOf(values[i] ?? 0);
  return {
    ...tensor,
    name,
    dataType: DATA_TYPE.float16,
    rawData: littleEndian('float16', halves),
    floatData: new Float32Array(0),
  };
}
