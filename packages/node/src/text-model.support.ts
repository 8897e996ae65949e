// A model that takes a text and whose pictures can be computed by hand. For tests.
import { sealModel, GraphBuilder } from '@forja/core/onnx';

/** How far each word moves the latent. */
export const MOVES: Readonly<Record<string, number>> = { '': 0, lighter: 1, darker: -2, much: 0.5 };

/** latent [batch, 8] and text [batch, 3] → tanh(latent + the words' moves) as image [batch, 1, 2, 4]. */
export async function textModel(sha256: (bytes: Uint8Array) => Promise<string>): Promise<Uint8Array> {
  const g = new GraphBuilder({ name: 'text' });
  const z = g.input('latent', 'float32', ['batch', 8]);
  const moves = g.constant('float32', [4], Float32Array.from(Object.values(MOVES)), 'moves');
  const told = g.op('Gather', [moves, g.input('text', 'int32', ['batch', 3])], { axis: 0 });
  const moved = g.op('Add', [z, g.op('ReduceSum', [told, g.constant('int64', [1], [1])])]);
  g.output('image', g.op('Reshape', [g.op('Tanh', [moved]), g.constant('int64', [4], [0, 1, 2, 4])]));
  return sealModel(
    g.build(),
    {
      version: 1,
      kind: 'latent',
      inputs: [
        { name: 'latent', role: 'latent', dtype: 'float32', shape: ['batch', 8], distribution: 'normal' },
        { name: 'text', role: 'text', dtype: 'int32', shape: ['batch', 3], vocabulary: Object.keys(MOVES) },
      ],
      outputs: [
        { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 2, 4], range: [-1, 1], layout: 'nchw' },
      ],
      producer: 'test',
    },
    sha256,
  );
}
