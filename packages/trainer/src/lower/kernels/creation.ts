// Kernels that make values out of attributes. What depends on a dynamic dim is computed by the graph; the rest are initializers.
import { rangeLength } from '../../trace/shapes/creation.js';
import type { CreationKernel } from '../../trace/shapes/names.js';
import { isStatic, type Size } from '../../trace/program.js';
import type { Value } from '@forja/core/onnx';
import { ONNX_DTYPE, type BoundCall, type KernelLowering, type LowerContext } from '../contract.js';
import { as, filled, isSize, orderOf, physical, scalar } from './layout.js';
import { dim, input, output, plus } from './spatial.js';

const Fill: KernelLowering = (call, ctx) => {
  const y = output(call, ctx);
  const value = call.attrs['value'];
  if (isSize(value) && !isStatic(value)) {
    const one = sizeScalar(value, y.dtype === 'float32' ? 'float32' : 'int32', ctx);
    return ctx.set(y, y.rank === 0 ? one : ctx.op('Expand', [one, ctx.sizes(y.shape)]));
  }
  if (typeof value !== 'number' && typeof value !== 'boolean') return ctx.unsupported(`a fill with ${JSON.stringify(value)}`);
  return ctx.set(y, filled(y.dtype === 'int32' ? Math.trunc(Number(value)) : Number(value), ONNX_DTYPE[y.dtype], y.shape, ctx));
};

/** A constant in the shape and stored order of the input. */
function like(value: number): KernelLowering {
  return (call, ctx) => {
    const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
    const perm = orderOf(x, ctx);
    ctx.set(y, filled(value, ONNX_DTYPE[y.dtype], physical(y.shape, perm), ctx), perm);
  };
}

function sizeAttribute(call: BoundCall, name: string, ctx: LowerContext): Size {
  const value = call.attrs[name];
  return isSize(value) ? value : ctx.unsupported(`attribute ${name} must be a number, got ${JSON.stringify(value)}`);
}

/** A size as a scalar of an element type. */
function sizeScalar(size: Size, dtype: 'float32' | 'int32' | 'int64', ctx: LowerContext): Value {
  if (isStatic(size)) return scalar(size, dtype, ctx);
  return as(ctx.op('Squeeze', [ctx.sizes([size]), ctx.int64s([0])]), dtype, ctx);
}

const Range: KernelLowering = (call, ctx) => {
  const y = output(call, ctx);
  const [start, stop, step] = [sizeAttribute(call, 'start', ctx), sizeAttribute(call, 'stop', ctx), sizeAttribute(call, 'step', ctx)];
  const type = y.dtype === 'int32' ? 'int32' : 'float32';
  if (!isStatic(step)) return ctx.unsupported('a range whose step depends on a dynamic dim');
  if (isStatic(start) && isStatic(stop)) {
    const values = type === 'int32' ? new Int32Array(rangeLength(start, stop, step)) : new Float32Array(rangeLength(start, stop, step));
    // As tfjs does: each from the one before, rounded to the element type.
    values.forEach((_, i) => (values[i] = i === 0 ? start : (values[i - 1] ?? 0) + (stop < start && step === 1 ? -1 : step)));
    return ctx.set(y, ctx.constant(type, [values.length], values));
  }
  return ctx.set(y, ctx.op('Range', [sizeScalar(start, type, ctx), sizeScalar(stop, type, ctx), scalar(step, type, ctx)]));
};

const LinSpace: KernelLowering = (call, ctx) => {
  const y = output(call, ctx);
  const [start, stop, count] = [sizeAttribute(call, 'start', ctx), sizeAttribute(call, 'stop', ctx), dim(y, 0)];
  if (isStatic(start) && isStatic(stop) && isStatic(count)) {
    const values = new Float32Array(count);
    const step = (stop - start) / (count - 1);
    values.forEach((_, i) => (values[i] = i === 0 ? start : (values[i - 1] ?? 0) + step));
    return ctx.set(y, ctx.constant('float32', [count], values));
  }
  // One point alone has no step.
  const step = ctx.op('Div', [sizeScalar(plus(stop, start, -1), 'float32', ctx), ctx.op('Max', [sizeScalar(plus(count, -1), 'float32', ctx), scalar(1, 'float32', ctx)])]);
  const index = as(ctx.op('Range', [scalar(0, 'int64', ctx), sizeScalar(count, 'int64', ctx), scalar(1, 'int64', ctx)]), 'float32', ctx);
  return ctx.set(y, ctx.op('Add', [ctx.op('Mul', [index, step]), sizeScalar(start, 'float32', ctx)]));
};

/** Rows of the creation kernels. */
export const creationKernels: Record<CreationKernel, KernelLowering> = { Fill, LinSpace, OnesLike: like(1), Range, ZerosLike: like(0) };
