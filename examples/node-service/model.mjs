// An untrained generator to serve if no file is given: 64 × 64 RGB, weights drawn from a seed, made with the ONNX
// builder.
import { latents } from '@forja/core';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';

/** Bytes of an ONNX file that maps z [batch, 64] to image [batch, 3, 64, 64] in [-1, 1]. */
export function untrained() {
  const g = new GraphBuilder({ name: 'untrained' });
  let seed = 0;
  const weights = (shape, scale) => {
    const count = shape.reduce((a, b) => a * b);
    return g.constant(
      'float32',
      shape,
      latents(seed++, 0, 1, count).map((v) => v * scale),
    );
  };
  const up = { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] };
  const dense = g.op('Gemm', [g.input('z', 'float32', ['batch', 64]), weights([64, 128 * 8 * 8], 0.15)]);
  let maps = g.op('Reshape', [dense, g.constant('int64', [4], [0, 128, 8, 8])]);
  for (const [from, to] of [
    [128, 96],
    [96, 64],
  ])
    maps = g.op('ConvTranspose', [g.op('Relu', [maps]), weights([from, to, 4, 4], 0.03)], up);
  g.output('image', g.op('Tanh', [g.op('ConvTranspose', [g.op('Relu', [maps]), weights([64, 3, 4, 4], 0.05)], up)]));
  return encodeModel(g.build());
}
