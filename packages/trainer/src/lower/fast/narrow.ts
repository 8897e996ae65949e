// Convolution for few channels on the small side, such as a last layer that makes a picture or a map of logits: first
// one product of every pixel with all taps, then the results of a window are summed. Patches of such a layer would have
// many times the size of the picture.
import { transpose, type Axis, type Matrix, type Value } from '@forja/core/onnx';
import type { LowerContext, Logical } from '../contract.js';
import { alongBoth, alongBothBack } from './apply.js';
import { HWNC, memoized, type ConvAlgorithm, type Convolution } from './contract.js';

/** [small, kernel·large]: row i sums, over taps k, pixel stride·i + k - before of the results of tap k. */
function windows({ large, small, kernel, stride, before }: Axis): Matrix {
  return Array.from({ length: small }, (_, i) =>
    Array.from({ length: kernel * large }, (_unused, column) =>
      column % large === stride * i + Math.floor(column / large) - before ? 1 : 0,
    ),
  );
}

/** Results per pixel. */
const taps = ({ height, width, outChannels }: Convolution): number => height.kernel * width.kernel * outChannels;

/** The filter as [kh·kw·Co, C]. */
const filterRows = (conv: Convolution, filter: Value, ctx: LowerContext): Value =>
  memoized(filter, 'narrow filter', () => {
    const { height, width, channels, outChannels } = conv;
    const split = ctx.reshape(filter, [height.kernel * width.kernel, channels, outChannels]);
    return ctx.reshape(ctx.op('Transpose', [split], { perm: [0, 2, 1] }), [taps(conv), channels]);
  });

/** dy at every pixel and tap that it came from: [H, W·N, kh·kw·Co]. */
function spread(conv: Convolution, dy: Logical, ctx: LowerContext): Value {
  const { height: h, width: w, batch, outChannels } = conv;
  const stored = ctx.get(dy, HWNC);
  const axes = [h, w].map(({ large, kernel, stride, before }) => [large, kernel, stride, before].join());
  return memoized(stored, `narrow ${axes.join(';')}`, () => {
    const each = alongBoth(stored, transpose(windows(h)), transpose(windows(w)), batch * outChannels, ctx);
    const split = ctx.reshape(each, [h.kernel, h.large, w.kernel, w.large, batch, outChannels]);
    return ctx.reshape(ctx.op('Transpose', [split], { perm: [1, 3, 4, 0, 2, 5] }), [
      h.large,
      w.large * batch,
      taps(conv),
    ]);
  });
}

/** For fewer than 4 channels on the small side, any kernel and any stride. */
export const narrow: ConvAlgorithm = {
  name: 'narrow',
  fits: ({ channels, outChannels, height, width }) =>
    outChannels < 4 && channels >= 4 && Math.max(height.large, width.large) <= 64,
  cost: (conv) => (taps(conv) * conv.height.large * conv.width.large * conv.batch * (conv.channels + 40)) / 1e6,
  large: HWNC,
  forward(conv, x, filter, ctx) {
    const { height: h, width: w, batch, channels, outChannels } = conv;
    const rows = ctx.reshape(ctx.get(x, HWNC), [h.large * w.large * batch, channels]);
    const weights = ctx.op('Transpose', [filterRows(conv, filter, ctx)], { perm: [1, 0] });
    const each = ctx.reshape(ctx.op('MatMul', [rows, weights]), [
      h.large,
      w.large,
      batch,
      h.kernel,
      w.kernel,
      outChannels,
    ]);
    const grouped = ctx.op('Transpose', [each], { perm: [3, 0, 4, 1, 2, 5] });
    return ctx.reshape(alongBothBack(grouped, windows(h), windows(w), batch * outChannels, ctx), [
      h.small,
      w.small,
      batch,
      outChannels,
    ]);
  },
  inputGradient(conv, dy, filter, ctx) {
    const { height: h, width: w, batch, channels } = conv;
    const dx = ctx.op('MatMul', [spread(conv, dy, ctx), filterRows(conv, filter, ctx)]);
    return ctx.reshape(dx, [h.large, w.large, batch, channels]);
  },
  filterGradient(conv, x, dy, ctx) {
    const { height: h, width: w, batch, channels, outChannels } = conv;
    const rows = ctx.reshape(ctx.get(x, HWNC), [h.large, w.large * batch, channels]);
    const each = ctx.op('MatMul', [ctx.op('Transpose', [spread(conv, dy, ctx)], { perm: [0, 2, 1] }), rows]);
    const sum = ctx.op('ReduceSum', [each, ctx.int64s([0])], { keepdims: 0 });
    const split = ctx.reshape(sum, [h.kernel * w.kernel, outChannels, channels]);
    return ctx.reshape(ctx.op('Transpose', [split], { perm: [0, 2, 1] }), [
      h.kernel * w.kernel * channels,
      outChannels,
    ]);
  },
};
