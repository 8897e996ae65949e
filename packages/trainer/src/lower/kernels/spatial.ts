// Window geometry shared by convolution, pooling and resizing rows: axes of a picture, sizes that may be symbolic, pads
// that give a wanted output size.
import type { Value } from '@forja/core/onnx';
import type { BoundCall, LowerContext, Logical, Perm } from '../contract.js';
import { floorDivide, isStatic, maximum, plus, sizeText, times, type Size } from '../../program/size.js';

export { plus, product, times } from '../../program/size.js';

/** The size if it is fixed; throws otherwise, naming `what`. */
export function fixed(size: Size | undefined, what: string, ctx: LowerContext): number {
  if (size === undefined) return ctx.unsupported(`${what} is missing`);
  return isStatic(size) ? size : ctx.unsupported(`${what} must be a fixed size here, got ${sizeText(size)}`);
}

/** The one tensor input of that name. */
export function input(call: BoundCall, name: string, ctx: LowerContext): Logical {
  const value = call.inputs[name];
  return value === undefined || Array.isArray(value)
    ? ctx.unsupported(`expected one tensor as input ${name}, got ${value === undefined ? 'none' : 'a list'}`)
    : value;
}

/** The one tensor input of that name, or undefined. */
export function optionalInput(call: BoundCall, name: string): Logical | undefined {
  const value = call.inputs[name];
  return Array.isArray(value) ? undefined : value;
}

/** The call's first output. */
export function output(call: BoundCall, ctx: LowerContext): Logical {
  return call.outputs[0] ?? ctx.unsupported('the call has no output');
}

/** The size of an axis. */
export function dim(value: Logical, axis: number): Size {
  const size = value.shape[axis];
  if (size === undefined) throw new RangeError(`axis ${axis} of a value of rank ${value.rank}`);
  return size;
}

/** Where the axes of a picture are (tfjs dataFormat), and the order that makes it NCHW. */
export interface PictureAxes {
  channel: number;
  spatial: readonly [number, number];
  /** batch, channel, height, width */
  nchw: Perm;
  /** channel, batch, height, width */
  cnhw: Perm;
  /** batch, height, width, channel */
  nhwc: Perm;
}
const CHANNELS_LAST: PictureAxes = {
  channel: 3,
  spatial: [1, 2],
  nchw: [0, 3, 1, 2],
  cnhw: [3, 0, 1, 2],
  nhwc: [0, 1, 2, 3],
};
const CHANNELS_FIRST: PictureAxes = {
  channel: 1,
  spatial: [2, 3],
  nchw: [0, 1, 2, 3],
  cnhw: [1, 0, 2, 3],
  nhwc: [0, 2, 3, 1],
};

/** {@link PictureAxes} of a dataFormat attribute (default NHWC). */
export function pictureAxes(dataFormat: unknown): PictureAxes {
  return dataFormat === 'NCHW' ? CHANNELS_FIRST : CHANNELS_LAST;
}

/** The stored order of HWIO filters: OIHW, which is also ConvTranspose's (in, out, h, w) for the adjoint. */
export const OIHW: Perm = [3, 2, 0, 1];

/** A tfjs attribute that is a number or a pair. */
export function pair(value: unknown, fallback = 1): [number, number] {
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value) && typeof value[0] === 'number')
    return [value[0], typeof value[1] === 'number' ? value[1] : value[0]];
  return [fallback, fallback];
}

/** Zeros before and after an axis; negative amounts crop. */
export type Pads = readonly [before: number, after: number];

/**
 * One spatial axis of a window op. `large` is the convolved or pooled side, `small` the result's; both may be symbolic.
 */
export interface Window {
  large: Size;
  small: Size;
  kernel: number;
  stride: number;
  dilation: number;
  /**
   * `after` is chosen so that the windows on `large` give exactly `small`. It is negative if they leave a remainder
   * uncovered. Undefined if it depends on a symbolic size.
   */
  pads: Pads | undefined;
  /** The same amounts, possibly symbolic. */
  amounts: readonly [before: Size, after: Size];
  /** Whether ONNX's `auto_pad` SAME pads by the same amount. */
  auto: boolean;
}

/** The extent of a dilated kernel. */
export function extent(w: Pick<Window, 'kernel' | 'dilation'>): number {
  return (w.kernel - 1) * w.dilation + 1;
}

/** Windows of the two spatial axes of a call, with tfjs's meaning of `pad` ('same' | 'valid' | number | explicit). */
export function windows(
  call: BoundCall,
  ctx: LowerContext,
  large: Logical,
  small: Logical,
  kernel: readonly [number, number],
  axes: PictureAxes,
): [Window, Window] {
  const strides = pair(call.attrs['strides'] ?? kernel);
  const dilations = pair(call.attrs['dilations']);
  const one = (i: 0 | 1): Window =>
    windowAlong(call, ctx, large, small, axes.spatial[i], {
      kernel: kernel[i],
      stride: strides[i],
      dilation: dilations[i],
    });
  return [one(0), one(1)];
}

/** The window along one axis. */
export function windowAlong(
  call: BoundCall,
  ctx: LowerContext,
  large: Logical,
  small: Logical,
  axis: number,
  steps: Pick<Window, 'kernel' | 'stride' | 'dilation'>,
): Window {
  const w = { large: dim(large, axis), small: dim(small, axis), ...steps };
  const slack = slackOf(w);
  const { pad, dimRoundingMode: rounding } = call.attrs;
  const before = pad === 'same' ? sameBefore(w, slack, large.rank) : explicit(pad, axis, 0, ctx);
  const amounts = [before, plus(slack, before, -1)] as const;
  if (isStatic(before) && isStatic(amounts[1])) return { ...w, amounts, pads: [before, amounts[1]], auto: false };
  // An unknown remainder is dropped by ONNX's floor division too, so the given pads are correct.
  if (pad !== 'same' && rounding !== 'ceil' && rounding !== 'round')
    return { ...w, amounts, pads: [explicit(pad, axis, 0, ctx), explicit(pad, axis, 1, ctx)], auto: false };
  return { ...w, amounts, pads: undefined, auto: pad === 'same' && extent(w) >= w.stride };
}

/** The total padding, before + after = (small-1)·stride + extent - large. */
function slackOf(w: Pick<Window, 'large' | 'small' | 'kernel' | 'stride' | 'dilation'>): Size {
  return plus(plus(times(plus(w.small, -1), w.stride), extent(w)), w.large, -1);
}

/**
 * Padding that `same` adds before: half of the total, rounded down. If the stride is larger than the window the total
 * may be negative; tfjs then crops volumes, but not pictures.
 */
function sameBefore(
  w: Pick<Window, 'large' | 'small' | 'kernel' | 'stride' | 'dilation'>,
  slack: Size,
  rank: number,
): Size {
  if (rank > 4 || extent(w) >= w.stride) return floorDivide(slack, 2);
  if (isStatic(slack)) return Math.floor(Math.max(0, slack) / 2);
  return floorDivide(maximum(slack, 0), 2);
}

function explicit(pad: unknown, axis: number, side: 0 | 1, ctx: LowerContext): number {
  if (pad === 'valid' || pad === undefined || pad === null) return 0;
  if (typeof pad === 'number') return pad;
  if (Array.isArray(pad)) {
    const entry: unknown = pad[axis];
    if (Array.isArray(entry) && typeof entry[side] === 'number') return entry[side];
  }
  return ctx.unsupported(`pad ${JSON.stringify(pad)} is not 'same', 'valid', a number or explicit pairs`);
}

/** The spatial attributes of an ONNX Conv or pool node. */
export interface WindowAttributes {
  kernel_shape: number[];
  strides: number[];
  dilations?: number[];
  pads?: number[];
  auto_pad?: 'SAME_UPPER';
}

/**
 * Whether some axis needs a Pad node: because the amount depends on a symbolic size, or because the amount before the
 * data is negative.
 */
export function isUneven(ws: readonly Window[]): boolean {
  return ws.some((w) => (w.pads === undefined ? !w.auto : w.pads[0] < 0));
}

/**
 * Pads a value stored as (batch, channel, spatial …) explicitly. Returns it with its windows, which have no padding
 * left.
 */
export function fitted(
  value: Value,
  ws: readonly Window[],
  ctx: LowerContext,
  fill = 0,
): { value: Value; ws: Window[] } {
  const [befores, afters] = [0, 1].map((side) =>
    ws.map((w): Size => w.pads?.[side as 0 | 1] ?? w.amounts[side as 0 | 1]),
  ); // `side` is 0 (before) or 1 (after)
  const amounts = ctx.sizes([0, 0, ...(befores ?? []), 0, 0, ...(afters ?? [])]);
  const padded = ctx.op('Pad', [value, amounts, ...(fill === 0 ? [] : [ctx.scalar(fill)])], { mode: 'constant' });
  return {
    value: padded,
    ws: ws.map((w) => ({
      ...w,
      large: plus(plus(w.large, w.pads?.[0] ?? w.amounts[0]), w.pads?.[1] ?? w.amounts[1]),
      pads: [0, 0],
      amounts: [0, 0],
      auto: false,
    })),
  };
}

/** A value and window attributes for a Conv; padded explicitly only if the attributes cannot express it. */
export function windowed(
  value: Value,
  ws: readonly Window[],
  ctx: LowerContext,
): { value: Value; attributes: WindowAttributes } {
  const ready = isUneven(ws) ? fitted(value, ws, ctx) : { value, ws };
  return { value: ready.value, attributes: windowAttributes(ready.ws, ctx) };
}

/** {@link WindowAttributes} of the spatial axes. */
export function windowAttributes(ws: readonly Window[], ctx: LowerContext): WindowAttributes {
  const attributes: WindowAttributes = { kernel_shape: ws.map((w) => w.kernel), strides: ws.map((w) => w.stride) };
  if (ws.some((w) => w.dilation !== 1)) attributes.dilations = ws.map((w) => w.dilation);
  const known = ws.flatMap(({ pads }) => (pads === undefined ? [] : [pads]));
  // TensorFlow's 'same' is SAME_UPPER: if the total is odd, the end gets one more than the start. With symbolic sizes
  // the runtime computes the pads.
  if (isUneven(ws)) return ctx.unsupported('padding that depends on a dynamic size; fix that size');
  if (known.length < ws.length) return { ...attributes, auto_pad: 'SAME_UPPER' };
  for (const { pads, stride } of ws)
    if (pads !== undefined && -pads[1] >= stride) ctx.unsupported('the output is smaller than its windows allow');
  // ONNX floors: a negative `after` is a remainder that it leaves uncovered anyway.
  const pads = [...known.map(([before]) => before), ...known.map(([, after]) => Math.max(0, after))];
  return pads.some((p) => p !== 0) ? { ...attributes, pads } : attributes;
}
