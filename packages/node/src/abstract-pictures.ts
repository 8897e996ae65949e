// A generator that needs no training: a small network with random weights that maps a pixel's position and a latent to
// a colour (a compositional pattern-producing network, Stanley 2007). Its pictures are abstract and smooth.
import { createHash } from 'node:crypto';
import { latents } from '@forja/core';
import { GraphBuilder, sealModel } from '@forja/core/onnx';

const SIZE = 64;
const LATENT = 8;
const WIDTH = 24;

/** Bytes of a sealed ONNX file that maps a normal latent [batch, 8] to an image [batch, 3, 64, 64] in [-1, 1]. */
export function abstractPictures(): Promise<Uint8Array> {
  const g = new GraphBuilder({ name: 'abstract' });
  let seed = 0;
  const weights = (rows: number, columns: number, deviation: number): ReturnType<typeof g.constant> =>
    g.constant(
      'float32',
      [rows, columns],
      latents(seed++, 0, 1, rows * columns).map((x) => x * deviation),
    );
  const places = new Float32Array(SIZE * SIZE * 4);
  for (let i = 0; i < SIZE * SIZE; i++) {
    // The cast: `map` keeps the number of elements.
    const [x, y] = [i % SIZE, Math.floor(i / SIZE)].map((at) => (2 * at + 1) / SIZE - 1) as [number, number];
    places.set([x, y, Math.sqrt(x * x + y * y), 1], 4 * i);
  }
  const z = g.input('latent', 'float32', ['batch', LATENT]);
  const byPlace = g.op('MatMul', [g.constant('float32', [SIZE * SIZE, 4], places), weights(4, WIDTH, 1.6)]);
  const byLatent = g.op('Reshape', [
    g.op('MatMul', [z, weights(LATENT, WIDTH, 0.6)]),
    g.constant('int64', [3], [0, 1, WIDTH]),
  ]);
  let hidden = g.op('Tanh', [g.op('Add', [byPlace, byLatent])]);
  for (let i = 0; i < 2; i++) hidden = g.op('Tanh', [g.op('MatMul', [hidden, weights(WIDTH, WIDTH, 0.4)])]);
  const colours = g.op('Tanh', [g.op('MatMul', [hidden, weights(WIDTH, 3, 0.35)])]);
  const first = g.op('Transpose', [colours], { perm: [0, 2, 1] });
  g.output('image', g.op('Reshape', [first, g.constant('int64', [4], [0, 3, SIZE, SIZE])]));
  return sealModel(
    g.build(),
    {
      version: 1,
      kind: 'latent',
      inputs: [{ name: 'latent', role: 'latent', dtype: 'float32', shape: ['batch', LATENT], distribution: 'normal' }],
      outputs: [
        {
          name: 'image',
          role: 'image',
          dtype: 'float32',
          shape: ['batch', 3, SIZE, SIZE],
          range: [-1, 1],
          layout: 'nchw',
        },
      ],
      producer: 'forja init',
      license: 'CC0-1.0',
    },
    (bytes) => Promise.resolve(createHash('sha256').update(bytes).digest('hex')),
  );
}
