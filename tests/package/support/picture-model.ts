// A generator of 28 × 28 grey pictures with fixed, untrained weights, for pages that only need to draw something that
// follows the latent.
import { encodeModel, GraphBuilder } from '@forja/core/onnx';

const SIZE = 16;

/**
 * latent [batch, 16] → dense → [batch, 8, 7, 7] → two transposed convs → tanh → image [batch, 1, 28, 28] in [-1, 1].
 */
export function pictureModel(): Uint8Array {
  let state = 9;
  const weights = (count: number, scale: number): Float32Array =>
    Float32Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state / 2 ** 32 - 0.5) * scale;
    });
  const g = new GraphBuilder({ name: 'picture' });
  const dense = g.op('MatMul', [
    g.input('latent', 'float32', ['batch', SIZE]),
    g.constant('float32', [SIZE, 392], weights(SIZE * 392, 1.5)),
  ]);
  const maps = g.op('Relu', [g.op('Reshape', [dense, g.constant('int64', [4], [0, 8, 7, 7])])]);
  const up = { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] };
  const middle = g.op('Relu', [
    g.op('ConvTranspose', [maps, g.constant('float32', [8, 8, 4, 4], weights(1024, 1))], up),
  ]);
  g.output(
    'image',
    g.op('Tanh', [g.op('ConvTranspose', [middle, g.constant('float32', [8, 1, 4, 4], weights(128, 1.5))], up)]),
  );
  return encodeModel(g.build());
}
