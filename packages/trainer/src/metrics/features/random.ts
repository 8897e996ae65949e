// An extractor with random weights, for pictures without a trained one: three convolutions of stride 2; the features
// are the means of all their channels. Its features describe edges and colours, not objects; distances rank generators
// of one data set (Naeem et al. 2020, section 4.2, recommend random embeddings if the trained one comes from another
// domain).
import { encodeModel, philoxNormal, streamOf } from '@forja/core';
import { GraphBuilder, type Value } from '@forja/core/onnx';
import type { ExtractorFile } from './onnx.js';

const WIDTHS = [16, 32, 64];
/** Seed of the weights. Scores with another seed would not be comparable. */
const SEED = 0;

/** The file for pictures of any size with this number of channels. Always the same bytes. */
export function randomExtractor(channels: number): ExtractorFile {
  const g = new GraphBuilder({ name: 'random features' });
  let x: Value = g.input('image', 'float32', ['batch', channels, 'height', 'width']);
  const means: Value[] = [];
  let from = channels;
  for (const [i, width] of WIDTHS.entries()) {
    const weights = philoxNormal({ seed: SEED, stream: streamOf('features/random'), step: i }, width * from * 9);
    const deviation = Math.sqrt(2 / (from * 9)); // He et al. 2015: keeps the scale of values
    const kernel = g.constant(
      'float32',
      [width, from, 3, 3],
      weights.map((w) => w * deviation),
    );
    x = g.op('LeakyRelu', [g.op('Conv', [x, kernel], { strides: [2, 2], pads: [1, 1, 1, 1] })], { alpha: 0.2 });
    means.push(g.op('GlobalAveragePool', [x]));
    from = width;
  }
  g.output('features', g.op('Flatten', [g.op('Concat', means, { axis: 1 })]));
  return { name: 'random features', model: encodeModel(g.build()) };
}
