// Batch normalisation with given statistics, and the normalisations that are refused. In training the statistics are computed by other kernels.
import type { Value } from '@forja/core/onnx';
import type { KernelLowering, KernelTable, LowerContext, Logical, Perm } from '../contract.js';
import { dim, input, optionalInput, output } from './spatial.js';

const CHANNEL_SECOND: Perm = [0, 3, 1, 2];

const FusedBatchNorm: KernelLowering = (call, ctx) => {
  const [x, mean, variance, y] = [input(call, 'x', ctx), input(call, 'mean', ctx), input(call, 'variance', ctx), output(call, ctx)];
  const [scale, offset] = [optionalInput(call, 'scale'), optionalInput(call, 'offset')];
  const epsilon = typeof call.attrs['varianceEpsilon'] === 'number' ? call.attrs['varianceEpsilon'] : 0.001;
  const placed = ctx.layoutOf(x);
  const channels = dim(x, x.rank - 1);
  const perChannel = [mean, variance, scale, offset].every((v) => v === undefined || v.rank === 1);
  // One BatchNormalization node when x is, or may as well be, stored with its channels second.
  if (perChannel && x.rank === 4 && typeof channels === 'number' && (placed === undefined || placed[1] === 3)) {
    const perm = placed ?? CHANNEL_SECOND;
    const constant = (value: number): Value => ctx.constant('float32', [channels], new Array<number>(channels).fill(value));
    const inputs = [ctx.get(x, perm), scale === undefined ? constant(1) : ctx.get(scale), offset === undefined ? constant(0) : ctx.get(offset), ctx.get(mean), ctx.get(variance)];
    ctx.set(y, ctx.op('BatchNormalization', inputs, { epsilon }), perm);
    return;
  }
  scaleShift(x, y, { mean, variance, scale, offset }, epsilon, ctx);
};

/** y = x·a + b with a = scale / √(variance + ε), b = offset − mean·a, in whatever order x is stored. */
function scaleShift(x: Logical, y: Logical, p: { mean: Logical; variance: Logical; scale: Logical | undefined; offset: Logical | undefined }, epsilon: number, ctx: LowerContext): void {
  const perm = ctx.commonLayout([x], x.rank);
  const place = (v: Logical): Value => ctx.broadcast(v, x.rank, perm);
  const deviation = ctx.op('Sqrt', [ctx.op('Add', [place(p.variance), ctx.scalar(epsilon)])]);
  const a = p.scale === undefined ? ctx.op('Reciprocal', [deviation]) : ctx.op('Div', [place(p.scale), deviation]);
  const shift = ctx.op('Mul', [place(p.mean), a]);
  const b = p.offset === undefined ? ctx.op('Neg', [shift]) : ctx.op('Sub', [place(p.offset), shift]);
  ctx.set(y, ctx.op('Add', [ctx.op('Mul', [ctx.get(x, perm), a]), b]), perm);
}

/** Normalisation rows. */
export const normKernels: KernelTable = {
  FusedBatchNorm,
  LRN: { unsupported: 'local response normalisation is not lowered: use batch or instance normalisation' },
  LRNGrad: { unsupported: 'local response normalisation is not lowered: use batch or instance normalisation' },
};
