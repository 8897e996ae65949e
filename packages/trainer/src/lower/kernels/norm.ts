// Batch normalisation with given statistics (in training other kernels compute them), and local response normalisation
// with its gradient.
import type { Value } from '@forja/core/onnx';
import type { NormKernel } from '../../kernels/names.js';
import type { BoundCall, KernelLowering, LowerContext, Logical, Perm } from '../contract.js';
import { numberAttribute } from './layout.js';
import { dim, fixed, input, optionalInput, output } from './spatial.js';

const CHANNEL_SECOND: Perm = [0, 3, 1, 2];

const FusedBatchNorm: KernelLowering<'FusedBatchNorm'> = (call, ctx) => {
  const [x, mean, variance, y] = [
    input(call, 'x', ctx),
    input(call, 'mean', ctx),
    input(call, 'variance', ctx),
    output(call, ctx),
  ];
  const [scale, offset] = [optionalInput(call, 'scale'), optionalInput(call, 'offset')];
  const epsilon = typeof call.attrs['varianceEpsilon'] === 'number' ? call.attrs['varianceEpsilon'] : 0.001;
  const placed = ctx.layoutOf(x);
  const channels = dim(x, x.rank - 1);
  const perChannel = [mean, variance, scale, offset].every((v) => v === undefined || v.rank === 1);
  // Use one BatchNormalization node if x is stored with its channels second, or not stored yet.
  if (perChannel && x.rank === 4 && typeof channels === 'number' && (placed === undefined || placed[1] === 3)) {
    const perm = placed ?? CHANNEL_SECOND;
    const constant = (value: number): Value =>
      ctx.constant('float32', [channels], new Array<number>(channels).fill(value));
    const inputs = [
      ctx.get(x, perm),
      scale === undefined ? constant(1) : ctx.get(scale),
      offset === undefined ? constant(0) : ctx.get(offset),
      ctx.get(mean),
      ctx.get(variance),
    ];
    ctx.set(y, ctx.op('BatchNormalization', inputs, { epsilon }), perm);
    return;
  }
  scaleShift(x, y, { mean, variance, scale, offset }, epsilon, ctx);
};

/** y = x·a + b with a = scale / √(variance + ε) and b = offset − mean·a, in x's stored order. */
function scaleShift(
  x: Logical,
  y: Logical,
  p: { mean: Logical; variance: Logical; scale: Logical | undefined; offset: Logical | undefined },
  epsilon: number,
  ctx: LowerContext,
): void {
  const perm = ctx.commonLayout([x], x.rank);
  const place = (v: Logical): Value => ctx.broadcast(v, x.rank, perm);
  const deviation = ctx.op('Sqrt', [ctx.op('Add', [place(p.variance), ctx.scalar(epsilon)])]);
  const a = p.scale === undefined ? ctx.op('Reciprocal', [deviation]) : ctx.op('Div', [place(p.scale), deviation]);
  const shift = ctx.op('Mul', [place(p.mean), a]);
  const b = p.offset === undefined ? ctx.op('Neg', [shift]) : ctx.op('Sub', [place(p.offset), shift]);
  ctx.set(y, ctx.op('Add', [ctx.op('Mul', [ctx.get(x, perm), a]), b]), perm);
}

/**
 * Sums over neighbouring channels as a product with a band matrix of ones: "ImageNet Classification with Deep CNNs",
 * Krizhevsky et al. 2012, section 3.3.
 */
function neighbours(value: Value, channels: number, radius: number, ctx: LowerContext): Value {
  const band = Array.from({ length: channels * channels }, (_, i) =>
    Math.abs((i % channels) - Math.floor(i / channels)) <= radius ? 1 : 0,
  );
  return ctx.op('MatMul', [value, ctx.constant('float32', [channels, channels], band)]);
}

/** bias + alpha · Σ x², together with the attributes. */
function response(
  x: Value,
  logical: Logical,
  call: BoundCall,
  ctx: LowerContext,
): { scale: Value; channels: number; radius: number; alpha: number; beta: number } {
  const [radius, bias, alpha, beta] = ['depthRadius', 'bias', 'alpha', 'beta'].map((name) =>
    numberAttribute(call, name, ctx),
  );
  const channels = fixed(dim(logical, 3), 'channels', ctx);
  const sums = neighbours(ctx.op('Mul', [x, x]), channels, radius ?? 0, ctx);
  return {
    scale: ctx.op('Add', [ctx.op('Mul', [sums, ctx.scalar(alpha ?? 1)]), ctx.scalar(bias ?? 1)]),
    channels,
    radius: radius ?? 0,
    alpha: alpha ?? 1,
    beta: beta ?? 1,
  };
}

const LRN: KernelLowering<'LRN'> = (call, ctx) => {
  const logical = input(call, 'x', ctx);
  const x = ctx.get(logical);
  const { scale, beta } = response(x, logical, call, ctx);
  ctx.set(output(call, ctx), ctx.op('Mul', [x, ctx.op('Pow', [scale, ctx.scalar(-beta)])]));
};

/** dx = dy · scale^-β − 2αβ · x · Σ dy · y / scale, the sum over the neighbours. */
const LRNGrad: KernelLowering<'LRNGrad'> = (call, ctx) => {
  const logical = input(call, 'x', ctx);
  const [x, y, dy] = [ctx.get(logical), ctx.get(input(call, 'y', ctx)), ctx.get(input(call, 'dy', ctx))];
  const { scale, channels, radius, alpha, beta } = response(x, logical, call, ctx);
  const own = ctx.op('Mul', [dy, ctx.op('Pow', [scale, ctx.scalar(-beta)])]);
  const shared = neighbours(ctx.op('Div', [ctx.op('Mul', [dy, y]), scale]), channels, radius, ctx);
  ctx.set(
    output(call, ctx),
    ctx.op('Sub', [own, ctx.op('Mul', [ctx.op('Mul', [x, ctx.scalar(2 * alpha * beta)]), shared])]),
  );
};

/** Lowerings of the normalisations, by name. */
export const normKernels: Record<NormKernel, KernelLowering> = {
  FusedBatchNorm,
  LRN,
  LRNGrad,
};
