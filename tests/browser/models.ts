// Small models for the browser tests, built by the codec in the page: a DCGAN-like generator and a session with state.
import { decodeModel, encodeModel, GraphBuilder } from '@forja/core/onnx';

/**
 * Weights by a fixed formula: the same bits in Node and in browsers, since sums, products and rounding are exact in
 * IEEE 754.
 */
function weights(count: number, scale: number): Float32Array {
  const values = new Float32Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = ((state >>> 8) / 2 ** 24 - 0.5) * scale;
  }
  return values;
}

/**
 * latent [batch, 8] → dense → [batch, 4, 3, 3] → transposed conv → tanh → picture [batch, 1, 6, 6]. `width` scales the
 * work.
 */
export function tinyGenerator(width = 4): Uint8Array {
  const g = new GraphBuilder({ name: 'tiny' });
  const z = g.input('latent', 'float32', ['batch', 8]);
  const dense = g.op('MatMul', [z, g.constant('float32', [8, width * 9], weights(8 * width * 9, 1))]);
  const maps = g.op('Relu', [g.op('Reshape', [dense, g.constant('int64', [4], [0, width, 3, 3])])]);
  const kernel = g.constant('float32', [width, 1, 4, 4], weights(width * 16, 1));
  const up = g.op('ConvTranspose', [maps, kernel], { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] });
  g.output('image', g.op('Tanh', [up]));
  return encodeModel(g.build());
}

/**
 * latent [batch, 16] → 96 channels of 8 × 8 → transposed convs → tanh → picture [batch, 3, 32, 32]: one convolution
 * whose products are priced below the node.
 */
export function convolving(): Uint8Array {
  const g = new GraphBuilder({ name: 'convolving' });
  const dense = g.op('MatMul', [
    g.input('latent', 'float32', ['batch', 16]),
    g.constant('float32', [16, 96 * 64], weights(16 * 96 * 64, 1)),
  ]);
  const maps = g.op('Reshape', [dense, g.constant('int64', [4], [0, 96, 8, 8])]);
  const up = { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] };
  const wide = g.constant('float32', [96, 48, 4, 4], weights(96 * 48 * 16, 0.1));
  const last = g.constant('float32', [48, 3, 4, 4], weights(48 * 3 * 16, 0.1));
  const relu = g.op('Relu', [g.op('ConvTranspose', [maps, wide], up)]);
  g.output('image', g.op('Tanh', [g.op('ConvTranspose', [relu, last], up)]));
  return encodeModel(g.build());
}

/** The same file as by other tools: dynamic sizes have no names. */
export function unnamed(bytes: Uint8Array): Uint8Array {
  const model = decodeModel(bytes);
  for (const { type } of [...(model.graph?.inputs ?? []), ...(model.graph?.outputs ?? [])])
    for (const dim of type?.tensor?.shape?.dims ?? []) delete dim.param;
  return encodeModel(model);
}

/** 3 × 3 max pooling with stride 2: x [b, 3, h, w] → y [b, 3, ⌊(h − 1) / 2⌋, ⌊(w − 1) / 2⌋]. */
export function everySecond(): Uint8Array {
  const g = new GraphBuilder({ name: 'every-second' });
  const x = g.input('x', 'float32', ['b', 3, 'h', 'w']);
  g.output('y', g.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2] }));
  return encodeModel(g.build());
}

/** total ← total + x, count ← count + 1; `mean` = total / count. Both are state; `count` is int64. */
export function runningMean(): Uint8Array {
  const g = new GraphBuilder({ name: 'running-mean' });
  const x = g.input('x', 'float32', [3]);
  const total = g.op('Add', [g.input('total', 'float32', [3]), x]);
  const count = g.op('Add', [g.input('count', 'int64', []), g.constant('int64', [], [1])]);
  g.output('mean', g.op('Div', [total, g.op('Cast', [count], { to: 1 })]));
  g.output('total_next', total);
  g.output('count_next', count);
  return encodeModel(g.build());
}
