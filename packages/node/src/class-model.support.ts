// A model that takes a class and whose pictures can be computed by hand. For tests.
import type { Manifest } from '@forja/core';
import { GraphBuilder, sealModel } from '@forja/core/onnx';

/** Numbers in a latent, and pixels in a picture. */
export const SIZE = 8;

/** The pixels of the pictures of latents; `shift`: the index of the class. */
export const pixelsOf = (z: Float32Array, shift = 0): number[] =>
  [...z].map((x) => Math.floor(Math.tanh(x + shift) * 127.5 + 128));

/** latent [batch, 8] and label [batch] → tanh(latent + label) as image [batch, 1, 2, 4], for two classes. */
export async function classModel(
  sha256: (bytes: Uint8Array) => Promise<string>,
  classes: string[],
  about: Pick<Manifest, 'license' | 'trainedOn'>,
): Promise<Uint8Array> {
  const g = new GraphBuilder({ name: 'tiny' });
  const z = g.input('latent', 'float32', ['batch', SIZE]);
  const rows = g.constant(
    'float32',
    [2, SIZE],
    Float32Array.from({ length: 2 * SIZE }, (_, i) => (i < SIZE ? 0 : 1)),
    'rows',
  );
  const moved = g.op('Add', [z, g.op('Gather', [rows, g.input('label', 'int64', ['batch'])], { axis: 0 })]);
  g.output('image', g.op('Reshape', [g.op('Tanh', [moved]), g.constant('int64', [4], [0, 1, 2, 4])]));
  return sealModel(
    g.build(),
    {
      version: 1,
      kind: 'latent',
      inputs: [
        { name: 'latent', role: 'latent', dtype: 'float32', shape: ['batch', SIZE], distribution: 'normal' },
        { name: 'label', role: 'label', dtype: 'int64', shape: ['batch'], classes },
      ],
      outputs: [
        { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 2, 4], range: [-1, 1], layout: 'nchw' },
      ],
      producer: 'test',
      ...about,
    },
    sha256,
  );
}
