// Window geometry shared by convolution, pooling and resizing rows: axes of a picture, sizes that may be symbolic, pads that hit a given output size.
import type { BoundCall, LowerContext, Logical, Perm } from '../contract.js';
import { floorDivide, isStatic, plus, sizeText, times, type Size } from '../../trace/size.js';

export { plus, product, times } from '../../trace/size.js';

/** A number, or a refusal that names it. */
export function fixed(size: Size | undefined, what: string, ctx: LowerContext): number {
  if (size === undefined) return ctx.unsupported(`${what} is missing`);
  return isStatic(size) ? size : ctx.unsupported(`${what} must be a fixed size here, got ${sizeText(size)}`);
}

/** The one tensor input of that name. */
export function input(call: BoundCall, name: string, ctx: LowerContext): Logical {
  const value = call.inputs[name];
  return value === undefined || Array.isArray(value) ? ctx.unsupported(`expected one tensor as input ${name}, got ${value === undefined ? 'none' : 'a list'}`) : value;
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
const CHANNELS_LAST: PictureAxes = { channel: 3, spatial: [1, 2], nchw: [0, 3, 1, 2], cnhw: [3, 0, 1, 2], nhwc: [0, 1, 2, 3] };
const CHANNELS_FIRST: PictureAxes = { channel: 1, spatial: [2, 3], nchw: [0, 1, 2, 3], cnhw: [1, 0, 2, 3], nhwc: [0, 2, 3, 1] };

/** {@link PictureAxes} of a dataFormat attribute (default NHWC). */
export function pictureAxes(dataFormat: unknown): PictureAxes {
  return dataFormat === 'NCHW' ? CHANNELS_FIRST : CHANNELS_LAST;
}

/** HWIO filters are stored OIHW; the same order is ConvTranspose's (in, out, h, w) for the adjoint. */
export const OIHW: Perm = [3, 2, 0, 1];

/** A tfjs attribute that is a number or a pair. */
export function pair(value: unknown, fallback = 1): [number, number] {
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value) && typeof value[0] === 'number') return [value[0], typeof value[1] === 'number' ? value[1] : value[0]];
  return [fallback, fallback];
}

/** Zeros before and after an axis. */
export type Pads = readonly [before: number, after: number];

/** One spatial axis of a window op. `large` is the convolved or pooled side, `small` the result's; both may be symbolic. */
export interface Window {
  large: Size;
  small: Size;
  kernel: number;
  stride: number;
  dilation: number;
  /** `after` is what makes large → small exact: it may be negative, when the window leaves a remainder uncovered. Undefined: depends on a symbolic size. */
  pads: Pads | undefined;
  /** The cells before the picture, also where they depend on a symbolic size. */
  before: Size;
  /** The cells before and after it that make large → small exact. */
  slack: Size;
}

/** The extent of a dilated kernel. */
export function extent(w: Pick<Window, 'kernel' | 'dilation'>): number {
  return (w.kernel - 1) * w.dilation + 1;
}

/** Windows of the two spatial axes of a call, with tfjs's meaning of `pad` ('same' | 'valid' | number | explicit). */
export function windows(call: BoundCall, ctx: LowerContext, large: Logical, small: Logical, kernel: readonly [number, number], axes: PictureAxes): [Window, Window] {
  const strides = pair(call.attrs['strides'] ?? kernel);
  const dilations = pair(call.attrs['dilations']);
  const one = (i: 0 | 1): Window => windowAlong(call, ctx, large, small, axes.spatial[i], { kernel: kernel[i], stride: strides[i], dilation: dilations[i] });
  return [one(0), one(1)];
}

/** The window along one axis. */
export function windowAlong(call: BoundCall, ctx: LowerContext, large: Logical, small: Logical, axis: number, steps: Pick<Window, 'kernel' | 'stride' | 'dilation'>): Window {
  const w = { large: dim(large, axis), small: dim(small, axis), ...steps };
  const slack = slackOf(w);
  const pads = exactPads(w, slack, call, axis, ctx);
  return { ...w, slack, pads, before: pads?.[0] ?? floorDivide(slack, 2) };
}

/** What a window's cells reach over: before + after = (small-1)·stride + extent - large. */
function slackOf(w: Pick<Window, 'large' | 'small' | 'kernel' | 'stride' | 'dilation'>): Size {
  return plus(plus(times(plus(w.small, -1), w.stride), extent(w)), w.large, -1);
}

function exactPads(w: Omit<Window, 'pads' | 'before' | 'slack'>, total: Size, call: BoundCall, axis: number, ctx: LowerContext): Pads | undefined {
  const { pad, dimRoundingMode: rounding } = call.attrs;
  if (pad === 'same') {
    if (!isStatic(total)) return samePads(w, ctx);
    const before = Math.floor(Math.max(0, total) / 2);
    return [before, total - before];
  }
  const before = explicit(pad, axis, 0, ctx);
  if (isStatic(total)) return [before, total - before];
  if (rounding === 'ceil' || rounding === 'round') return ctx.unsupported(`dimRoundingMode '${rounding}' of a dynamic size`);
  // A symbolic remainder cannot be told; the pads as given are then what ONNX's own floor division needs.
  return [before, explicit(pad, axis, 1, ctx)];
}

/** 'same' of a dynamic size, where steps are wider than windows: ONNX's own would pad by less than nothing. */
function samePads(w: Pick<Window, 'kernel' | 'stride' | 'dilation'>, ctx: LowerContext): Pads | undefined {
  if (extent(w) >= w.stride) return undefined;
  return extent(w) <= 2 ? [0, extent(w) - 1] : ctx.unsupported(`'same' padding of a dynamic size with stride ${w.stride} over a window of ${extent(w)}; fix that size`);
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

/** {@link WindowAttributes} of the spatial axes. */
export function windowAttributes(ws: readonly Window[], ctx: LowerContext): WindowAttributes {
  const attributes: WindowAttributes = { kernel_shape: ws.map((w) => w.kernel), strides: ws.map((w) => w.stride) };
  if (ws.some((w) => w.dilation !== 1)) attributes.dilations = ws.map((w) => w.dilation);
  const known = ws.flatMap(({ pads }) => (pads === undefined ? [] : [pads]));
  // TF's 'same' is SAME_UPPER: the odd pad goes to the end. With symbolic sizes the runtime works it out.
  if (known.length < ws.length) return { ...attributes, auto_pad: 'SAME_UPPER' };
  for (const { pads, stride } of ws) if (pads !== undefined && -pads[1] >= stride) ctx.unsupported('the output is smaller than its windows allow');
  // ONNX floors: a negative `after` is a remainder it leaves uncovered by itself.
  const pads = [...known.map(([before]) => before), ...known.map(([, after]) => Math.max(0, after))];
  return pads.some((p) => p !== 0) ? { ...attributes, pads } : attributes;
}
