// A text in a page: words become token ids by the file's own vocabulary.
import { latents } from '@forja/core';
import { GraphBuilder, sealModel } from '@forja/core/onnx';
import { load } from '@forja/web';
import { expect, test } from 'vitest';

/** latent [batch, 8] and text [batch, 2] → tanh(latent + the words' moves) as image [batch, 1, 2, 4]. */
async function textModel(): Promise<Uint8Array<ArrayBuffer>> {
  const g = new GraphBuilder({ name: 'text' });
  const z = g.input('latent', 'float32', ['batch', 8]);
  const moves = g.constant('float32', [3], Float32Array.of(0, 1, -2));
  const told = g.op('Gather', [moves, g.input('text', 'int32', ['batch', 2])], { axis: 0 });
  const moved = g.op('Add', [z, g.op('ReduceSum', [told, g.constant('int64', [1], [1])])]);
  g.output('image', g.op('Reshape', [g.op('Tanh', [moved]), g.constant('int64', [4], [0, 1, 2, 4])]));
  const manifest = {
    version: 1,
    kind: 'latent',
    inputs: [
      { name: 'latent', role: 'latent', dtype: 'float32', shape: ['batch', 8] },
      { name: 'text', role: 'text', dtype: 'int32', shape: ['batch', 2], vocabulary: ['', 'lighter', 'darker'] },
    ],
    outputs: [
      { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 2, 4], range: [-1, 1], layout: 'nchw' },
    ],
    producer: 'test',
  } as const;
  const sha256 = async (bytes: Uint8Array): Promise<string> =>
    [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))]
      .map((b) => b.toString(16).padStart(2, '0'))
      .join('');
  return new Uint8Array(await sealModel(g.build(), structuredClone(manifest) as never, sha256)); // lists may change
}

test.each(['wasm', 'webgpu'] as const)('%s draws what a text says, and refuses words by name', async (device) => {
  const generator = await load(await textModel(), { device });
  const { count, data } = await generator.sample({ text: ['Lighter!', 'darker'], seed: 3 });
  const expected = [...latents(3, 0, 2, 8)].map((x, i) => Math.floor(Math.tanh(x + (i < 8 ? 1 : -2)) * 127.5 + 128));
  expect(count).toBe(2);
  expect([...data]).toBeAllclose(expected, { atol: 1 });
  await expect(generator.sample({ text: 'darkr' })).rejects.toMatchObject({
    code: 'input.range',
    message: "sample.text: expected words that the model knows (lighter, darker), got 'darkr' (did you mean 'darker'?)",
  });
  await generator.dispose();
});
