// Kernels that make values from attributes. Values that depend on a dynamic dim are computed by the graph; others are
// initializers.
import { rangeLength } from '../../trace/shapes/creation.js';
import type { CreationKernel } from '../../kernels/names.js';
import { isMeasure, isStatic, type Measure, type Size } from '../../program/size.js';
import type { Value } from '@forja/core/onnx';
import { ONNX_DTYPE, type BoundCall, type KernelLowering, type LowerContext } from '../contract.js';
import { counted, filled, isSize, orderOf, physical, sameSize, scalar, sizeScalar } from './layout.js';
import { dim, input, output, plus } from './spatial.js';

const Fill: KernelLowering<'Fill'> = (call, ctx) => {
  const y = output(call, ctx);
  const value = call.attrs['value'];
  if (isMeasure(value) || (isSize(value) && !isStatic(value))) {
    const one = numberScalar(value, y.dtype === 'float32' ? 'float32' : 'int32', ctx);
    return ctx.set(y, y.rank === 0 ? one : ctx.op('Expand', [one, ctx.sizes(y.shape)]));
  }
  if (typeof value !== 'number' && typeof value !== 'boolean')
    return ctx.unsupported(`a fill with ${JSON.stringify(value)}`);
  return ctx.set(
    y,
    filled(y.dtype === 'int32' ? Math.trunc(Number(value)) : Number(value), ONNX_DTYPE[y.dtype], y.shape, ctx),
  );
};

/** A constant with the shape and stored order of the input. */
function like(value: number): KernelLowering {
  return (call, ctx) => {
    const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
    const perm = orderOf(x, ctx);
    ctx.set(y, filled(value, ONNX_DTYPE[y.dtype], physical(y.shape, perm), ctx), perm);
  };
}

function numberAttribute(call: BoundCall, name: string, ctx: LowerContext): Size | Measure {
  const value = call.attrs[name];
  return isSize(value) || isMeasure(value)
    ? value
    : ctx.unsupported(`attribute ${name} must be a number, got ${JSON.stringify(value)}`);
}

/** A number that may depend on a dynamic dim, as a scalar value. */
function numberScalar(number: Size | Measure, dtype: 'float32' | 'int32' | 'int64', ctx: LowerContext): Value {
  if (!isMeasure(number)) return sizeScalar(number, dtype, ctx);
  if (dtype !== 'float32') return ctx.unsupported('an integer that is a quotient of sizes');
  const [above, below] = [numberScalar(number.above, dtype, ctx), numberScalar(number.below, dtype, ctx)];
  const quotient = number.below === 1 ? above : ctx.op('Div', [above, below]);
  const value = number.of === 'quotient' ? quotient : ctx.op(number.of === 'root' ? 'Sqrt' : 'Log', [quotient]);
  return number.scale === 1 ? value : ctx.op('Mul', [value, ctx.scalar(number.scale)]);
}

const isNumber = (value: Size | Measure): value is number => typeof value === 'number';

/** With the default step of 1, tfjs counts down if stop < start. */
function rangeStep(start: Size | Measure, stop: Size | Measure, step: Size | Measure, count: Size): Size | Measure {
  if (step !== 1 || isMeasure(start) || isMeasure(stop)) return step;
  return isStatic(start) && isStatic(stop) ? (stop < start ? -1 : 1) : sameSize(count, plus(start, stop, -1)) ? -1 : 1;
}

/**
 * Counts from 0 and adds the start. Otherwise onnxruntime, which rewrites a Gather whose indices are a Range as a
 * Slice, would take an end below 0 (of a descending range) as counted from the back (seen in 1.30).
 */
const Range: KernelLowering<'Range'> = (call, ctx) => {
  const y = output(call, ctx);
  const [start, stop, given, count] = [
    numberAttribute(call, 'start', ctx),
    numberAttribute(call, 'stop', ctx),
    numberAttribute(call, 'step', ctx),
    dim(y, 0),
  ];
  const step = rangeStep(start, stop, given, count);
  const type = y.dtype === 'int32' ? 'int32' : 'float32';
  if (isNumber(start) && isNumber(stop) && isNumber(step) && isNumber(given)) {
    const values =
      type === 'int32'
        ? new Int32Array(rangeLength(start, stop, given))
        : new Float32Array(rangeLength(start, stop, given));
    // As in tfjs, each number is the previous one plus the step, rounded to the element type.
    values.forEach((_, i) => (values[i] = i === 0 ? start : (values[i - 1] ?? 0) + step));
    return ctx.set(y, ctx.constant(type, [values.length], values));
  }
  const index = counted(count, type, ctx);
  const spread = step === 1 ? index : ctx.op('Mul', [index, numberScalar(step, type, ctx)]);
  return ctx.set(y, start === 0 ? spread : ctx.op('Add', [spread, numberScalar(start, type, ctx)]));
};

const LinSpace: KernelLowering<'LinSpace'> = (call, ctx) => {
  const y = output(call, ctx);
  const [start, stop, count] = [numberAttribute(call, 'start', ctx), numberAttribute(call, 'stop', ctx), dim(y, 0)];
  if (isNumber(start) && isNumber(stop) && isNumber(count)) {
    const values = new Float32Array(count);
    const step = (stop - start) / (count - 1);
    values.forEach((_, i) => (values[i] = i === 0 ? start : (values[i - 1] ?? 0) + step));
    return ctx.set(y, ctx.constant('float32', [count], values));
  }
  // A single point has no step.
  const step = ctx.op('Div', [
    ctx.op('Sub', [numberScalar(stop, 'float32', ctx), numberScalar(start, 'float32', ctx)]),
    ctx.op('Max', [numberScalar(plus(count, -1), 'float32', ctx), scalar(1, 'float32', ctx)]),
  ]);
  const index = counted(count, 'float32', ctx);
  return ctx.set(y, ctx.op('Add', [ctx.op('Mul', [index, step]), numberScalar(start, 'float32', ctx)]));
};

/** Lowerings of the creation kernels, by name. */
export const creationKernels: Record<CreationKernel, KernelLowering> = {
  Fill,
  LinSpace,
  OnesLike: like(1),
  Range,
  ZerosLike: like(0),
};
