// An image-to-image model whose arithmetic is known: negatives, twice as large. Not part of the package.
import { createHash } from 'node:crypto';
import type { ImageLike, ManifestInput } from '@forja/core';
import { GraphBuilder, sealModel } from '@forja/core/onnx';

/** x [batch, 3, h, w] in [0, 1] → 1 − x, every pixel twice as wide and high. */
export function inverter(): Promise<Uint8Array> {
  const g = new GraphBuilder({ name: 'invert' });
  const x = g.input('x', 'float32', ['batch', 3, 'h', 'w']);
  const large = g.op('Resize', [x, undefined, g.constant('float32', [4], [1, 1, 2, 2])], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
  g.output('y', g.op('Sub', [g.constant('float32', [], [1]), large]));
  const end = { role: 'image', dtype: 'float32', range: [0, 1] as [number, number], layout: 'nchw' } as const;
  const inputs: ManifestInput[] = [{ ...end, name: 'x', shape: ['batch', 3, 'h', 'w'] }];
  const outputs = [{ ...end, name: 'y', shape: ['batch', 3, 'H', 'W'] }];
  const manifest = { version: 1, kind: 'super-resolution', inputs, outputs, producer: 'test' } as const;
  return sealModel(g.build(), manifest, (bytes) => Promise.resolve(createHash('sha256').update(bytes).digest('hex')));
}

/** What the model makes of an RGB picture. */
export function inverted({ width, height, data }: ImageLike): number[] {
  const out: number[] = [];
  for (let y = 0; y < 2 * height; y++)
    for (let x = 0; x < 2 * width; x++)
      for (let c = 0; c < 3; c++) out.push(255 - (data[((y >> 1) * width + (x >> 1)) * 3 + c] as number));
  return out;
}
