// Convolution as one matrix product over patches (im2col), for any kernel and stride. Patches are cut, padded and
// summed back by constant 0/1 matrices. Two variants: `gemm` for many channels, with channels innermost, and `thin` for
// few channels, with the batch innermost.
import { transpose, type Axis, type Matrix, type Value } from '@forja/core/onnx';
import type { LowerContext, Logical } from '../contract.js';
import { alongBoth, alongBothBack } from './apply.js';
import { HWCN, HWNC, memoized, type ConvAlgorithm, type Convolution } from './contract.js';

/** [small·kernel, large]: row (i, k) selects pixel stride·i + k - before, or nothing. */
function selection({ large, small, kernel, stride, before }: Axis): Matrix {
  return Array.from({ length: small * kernel }, (_, row) => {
    const pixel = Math.floor(row / kernel) * stride + (row % kernel) - before;
    return Array.from({ length: large }, (_unused, column) => (column === pixel ? 1 : 0));
  });
}

const keyOf = (name: string, { height, width }: Convolution): string => {
  const axes = [height, width].map(({ large, small, kernel, stride, before }) =>
    [large, small, kernel, stride, before].join(),
  );
  return `${name} ${axes.join(';')}`;
};

const taps = ({ height, width, channels }: Convolution): number => height.kernel * width.kernel * channels;

/** x as [oh, kh·kw·C, ow·N]. */
function thinPatches(conv: Convolution, x: Logical, ctx: LowerContext): Value {
  const { height: h, width: w, batch, channels } = conv;
  const stored = ctx.get(x, HWCN);
  return memoized(stored, keyOf('thin', conv), () => {
    const cut = ctx.reshape(alongBoth(stored, selection(h), selection(w), channels * batch, ctx), [
      h.small,
      h.kernel,
      w.small,
      w.kernel,
      channels,
      batch,
    ]);
    return ctx.reshape(ctx.op('Transpose', [cut], { perm: [0, 1, 3, 4, 2, 5] }), [
      h.small,
      taps(conv),
      w.small * batch,
    ]);
  });
}

/** dy as [oh, ow·N, Co]. */
const rowsOf = ({ height, width, batch, outChannels }: Convolution, dy: Logical, ctx: LowerContext): Value =>
  ctx.reshape(ctx.get(dy, HWNC), [height.small, width.small * batch, outChannels]);

/** The variant for fewer than 4 channels on the large side. */
export const thin: ConvAlgorithm = {
  name: 'thin',
  fits: ({ channels, height, width }) => channels < 4 && Math.max(height.large, width.large) <= 64,
  cost: (conv) => (taps(conv) * conv.height.small * conv.width.small * conv.batch * (conv.outChannels + 20)) / 1e6,
  large: HWCN,
  forward(conv, x, filter, ctx) {
    const patches = thinPatches(conv, x, ctx);
    const weights = ctx.reshape(filter, [taps(conv), conv.outChannels]);
    const y = ctx.op('MatMul', [ctx.op('Transpose', [patches], { perm: [0, 2, 1] }), weights]);
    return ctx.reshape(y, [conv.height.small, conv.width.small, conv.batch, conv.outChannels]);
  },
  inputGradient(conv, dy, filter, ctx) {
    const { height: h, width: w, batch, channels } = conv;
    const weights = ctx.reshape(filter, [taps(conv), conv.outChannels]);
    const patches = ctx.op('MatMul', [weights, ctx.op('Transpose', [rowsOf(conv, dy, ctx)], { perm: [0, 2, 1] })]);
    const cut = ctx.op('Transpose', [ctx.reshape(patches, [h.small, h.kernel, w.kernel, channels, w.small, batch])], {
      perm: [0, 1, 4, 2, 3, 5],
    });
    return ctx.reshape(alongBothBack(cut, transpose(selection(h)), transpose(selection(w)), channels * batch, ctx), [
      h.large,
      w.large,
      channels,
      batch,
    ]);
  },
  filterGradient(conv, x, dy, ctx) {
    const each = ctx.op('MatMul', [thinPatches(conv, x, ctx), rowsOf(conv, dy, ctx)]);
    return ctx.op('ReduceSum', [each, ctx.int64s([0])], { keepdims: 0 });
  },
};

/** x as [oh, ow·N, kh·kw·C]. */
function patchesOf(conv: Convolution, x: Logical, ctx: LowerContext): Value {
  const { height: h, width: w, batch, channels } = conv;
  const stored = ctx.get(x, HWNC);
  return memoized(stored, keyOf('gemm', conv), () => {
    const cut = ctx.reshape(alongBoth(stored, selection(h), selection(w), channels * batch, ctx), [
      h.small,
      h.kernel,
      w.small,
      w.kernel,
      batch,
      channels,
    ]);
    return ctx.reshape(ctx.op('Transpose', [cut], { perm: [0, 2, 4, 1, 3, 5] }), [
      h.small,
      w.small * batch,
      taps(conv),
    ]);
  });
}

/** The variant for 4 or more channels, any kernel and any stride. The kernel need not be a multiple of the stride. */
export const gemm: ConvAlgorithm = {
  name: 'gemm',
  fits: ({ channels, height, width }) => channels >= 4 && Math.max(height.large, width.large) <= 64,
  cost: (conv) => (taps(conv) * conv.height.small * conv.width.small * conv.batch * (conv.outChannels + 40)) / 1e6,
  large: HWNC,
  forward(conv, x, filter, ctx) {
    const y = ctx.op('MatMul', [patchesOf(conv, x, ctx), ctx.reshape(filter, [taps(conv), conv.outChannels])]);
    return ctx.reshape(y, [conv.height.small, conv.width.small, conv.batch, conv.outChannels]);
  },
  inputGradient(conv, dy, filter, ctx) {
    const { height: h, width: w, batch, channels } = conv;
    const weights = ctx.op('Transpose', [ctx.reshape(filter, [taps(conv), conv.outChannels])], { perm: [1, 0] });
    const patches = ctx.reshape(ctx.op('MatMul', [rowsOf(conv, dy, ctx), weights]), [
      h.small,
      w.small,
      batch,
      h.kernel,
      w.kernel,
      channels,
    ]);
    const cut = ctx.op('Transpose', [patches], { perm: [0, 3, 1, 4, 2, 5] });
    return ctx.reshape(alongBothBack(cut, transpose(selection(h)), transpose(selection(w)), batch * channels, ctx), [
      h.large,
      w.large,
      batch,
      channels,
    ]);
  },
  filterGradient(conv, x, dy, ctx) {
    const patches = ctx.op('Transpose', [patchesOf(conv, x, ctx)], { perm: [0, 2, 1] });
    return ctx.op('ReduceSum', [ctx.op('MatMul', [patches, rowsOf(conv, dy, ctx)]), ctx.int64s([0])], { keepdims: 0 });
  },
};
