// A generator with styles and its synthesis, whose pixels can be computed by hand: w is ψ·z, row l of the picture is
// tanh(w of layer l + row l of the noise), and a class adds its number to every pixel.
import { GraphBuilder, sealModel } from '@forja/core/onnx';
import type { ManifestInput, ManifestOutput } from '@forja/core';

/** Numbers in z and in w, pixels in a row. */
export const SIZE = 4;
/** Layers, rows of a picture. */
export const LAYERS = 3;

const image: ManifestOutput = {
  name: 'image',
  role: 'image',
  dtype: 'float32',
  shape: ['batch', 1, LAYERS, SIZE],
  range: [-1, 1],
  layout: 'nchw',
};
const rows = (name: string, role: ManifestInput['role'], ...shape: number[]): ManifestInput => ({
  name,
  role,
  dtype: 'float32',
  shape: ['batch', ...shape],
});
const noise = rows('noise', 'noise', LAYERS * SIZE);

/** `generator.onnx` (inputs z, label, psi, mix, layer and noise) and `synthesis.onnx` (styles and noise). */
export async function styledModels(
  sha256: (bytes: Uint8Array) => Promise<string>,
): Promise<{ generator: Uint8Array; synthesis: Uint8Array }> {
  const g = new GraphBuilder({ name: 'styled' });
  const ints = (...values: number[]) => g.constant('int64', [values.length], values);
  const [z, second] = ['z', 'mix'].map((name) => g.input(name, 'float32', ['batch', SIZE]));
  const psi = g.op('Unsqueeze', [g.input('psi', 'float32', ['batch']), ints(1)]);
  const layer = g.op('Unsqueeze', [g.input('layer', 'int32', ['batch']), ints(1)]);
  const [w, other] = [z!, second!].map((latent) => g.op('Unsqueeze', [g.op('Mul', [latent, psi]), ints(1)]));
  const numbers = g.constant(
    'int32',
    [1, LAYERS],
    Int32Array.from({ length: LAYERS }, (_, l) => l),
  );
  const own = g.op('Unsqueeze', [g.op('Less', [numbers, layer]), ints(2)]);
  const label = g.op('Cast', [g.input('label', 'int32', ['batch'])], { to: 1 });
  const moved = g.op('Add', [g.op('Where', [own, w!, other!]), g.op('Unsqueeze', [label, ints(1, 2)])]);
  const noisy = g.op('Reshape', [g.input('noise', 'float32', ['batch', LAYERS * SIZE]), ints(0, LAYERS, SIZE)]);
  g.output('image', g.op('Unsqueeze', [g.op('Tanh', [g.op('Add', [moved, noisy])]), ints(1)]));
  g.output('styles', moved);

  const s = new GraphBuilder({ name: 'synthesis' });
  const shape = s.constant('int64', [3], [0, LAYERS, SIZE]);
  const grain = s.op('Reshape', [s.input('noise', 'float32', ['batch', LAYERS * SIZE]), shape]);
  const sum = s.op('Add', [s.input('styles', 'float32', ['batch', LAYERS, SIZE]), grain]);
  s.output('image', s.op('Unsqueeze', [s.op('Tanh', [sum]), s.constant('int64', [1], [1])]));

  const seal = async (
    builder: GraphBuilder,
    kind: 'latent' | 'function',
    inputs: ManifestInput[],
    outputs: ManifestOutput[],
  ): Promise<Uint8Array> => sealModel(builder.build(), { version: 1, kind, inputs, outputs, producer: 'test' }, sha256);
  const styles: ManifestOutput = { name: 'styles', role: 'tensor', dtype: 'float32', shape: ['batch', LAYERS, SIZE] };
  return {
    generator: await seal(
      g,
      'latent',
      [
        { ...rows('z', 'latent', SIZE), distribution: 'normal' },
        { ...rows('mix', 'mix', SIZE), distribution: 'normal' },
        rows('psi', 'psi'),
        { ...rows('layer', 'layer'), dtype: 'int32', range: [0, LAYERS] },
        { ...rows('label', 'label'), dtype: 'int32', classes: ['plain', 'light', 'bright'] },
        noise,
      ],
      [image, styles],
    ),
    synthesis: await seal(s, 'function', [rows('styles', 'tensor', LAYERS, SIZE), noise], [image]),
  };
}
