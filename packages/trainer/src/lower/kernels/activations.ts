// Activations as kernels of their own. Those fused into convolutions and products are in fused-activation.ts.
import type { Value } from '@forja/core/onnx';
import type { ActivationKernel } from '../../kernels/names.js';
import { ONNX_DTYPE, type BoundCall, type KernelLowering, type LowerContext } from '../contract.js';
import { float, unary } from './formula.js';
import { as, axisOf, numberAttribute, orderOf } from './layout.js';
import { input, output } from './spatial.js';

// "Self-Normalizing Neural Networks", Klambauer et al. 2017: λ and α to double precision, as tfjs has them. ONNX's
// defaults are rounded.
const SELU_GAMMA = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

/**
 * 1 where x > 0, else alpha. For alpha in [0, 1) this is a clipped multiple of x, and for alpha 0 a single op. The
 * single op takes a fifth of the time of Greater and Where on onnxruntime's CPU (64×64×28²: 1.1 ms, against 5.2 with
 * scalars and 34 with pictures). Exact except for positive x below 1e-38.
 */
function step(x: Value, ctx: LowerContext, call: BoundCall): Value {
  const alpha = call.attrs['alpha'] ?? 0;
  if (typeof alpha !== 'number') return ctx.unsupported('attribute alpha must be a number');
  if (alpha === 0) return ctx.op('HardSigmoid', [x], { alpha: 1e38, beta: 0 });
  if (alpha > 0 && alpha < 1)
    return ctx.op('Clip', [ctx.op('Mul', [x, ctx.scalar(1e38)]), ctx.scalar(alpha), ctx.scalar(1)]);
  return ctx.op('Where', [ctx.op('Greater', [x, ctx.scalar(0)]), ctx.scalar(1), ctx.scalar(alpha)]);
}

/** Softmax or LogSoftmax, along the axis's position in the stored order. */
function normalised(op: 'Softmax' | 'LogSoftmax', attribute: string): KernelLowering {
  return (call, ctx) => {
    const [logits, y] = [input(call, 'logits', ctx), output(call, ctx)];
    const perm = orderOf(logits, ctx);
    const axis = perm.indexOf(axisOf(call.attrs[attribute] ?? -1, logits.rank, ctx));
    ctx.set(y, as(ctx.op(op, [as(ctx.get(logits, perm), 'float32', ctx)], { axis }), ONNX_DTYPE[y.dtype], ctx), perm);
  };
}

/** Lowerings of the activations, by name. */
export const activationKernels: Record<ActivationKernel, KernelLowering> = {
  Elu: unary((x, ctx) => ctx.op('Elu', [x], { alpha: 1 }), 'float32'),
  LeakyRelu: unary(
    (x, ctx, call) => ctx.op('LeakyRelu', [x], { alpha: numberAttribute(call, 'alpha', ctx) }),
    'float32',
  ),
  LogSoftmax: normalised('LogSoftmax', 'axis'),
  Relu: unary((x, ctx) => ctx.op('Relu', [x])),
  Relu6: unary((x, ctx) => ctx.op('Clip', [x, ctx.constant(x.dtype, [], [0]), ctx.constant(x.dtype, [], [6])])),
  Selu: unary((x, ctx) => ctx.op('Selu', [x], { alpha: SELU_ALPHA, gamma: SELU_GAMMA }), 'float32'),
  Sigmoid: float('Sigmoid'),
  Softmax: normalised('Softmax', 'dim'),
  Softplus: float('Softplus'),
  Step: unary(step, 'float32'),
  Tanh: float('Tanh'),
};
