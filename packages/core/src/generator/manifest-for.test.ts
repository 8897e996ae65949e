// The manifest guessed for a model that has none, and manifests that do not fit their model.
import { describe, expect, test } from 'vitest';
import type { Manifest, TensorSpec } from '../index.js';
import { manifestFor } from '../index.js';

const spec = (name: string, shape: TensorSpec['shape'], dtype: TensorSpec['dtype'] = 'float32'): TensorSpec => ({
  name,
  shape,
  dtype: dtype ?? 'float32',
});
const z = spec('z', ['batch', 100]);
const y = spec('image', ['batch', 3, 32, 32]);

describe('a guess', () => {
  test.each<[string, TensorSpec[], TensorSpec[], Manifest['kind']]>([
    ['z to a picture', [z], [y], 'latent'],
    ['an unnamed vector to a picture', [spec('onnx::Gemm_0', [1, 64])], [y], 'latent'],
    ["PyTorch's [b, n, 1, 1]", [spec('input', ['b', 100, 1, 1])], [y], 'latent'],
    ['z and a class', [z, spec('labels', ['batch'], 'int64')], [y], 'latent'],
    ['z and something unknown', [z, spec('style', ['batch', 8, 8])], [y], 'function'],
    ['z to a vector', [z], [spec('out', ['batch', 10])], 'function'],
    ['z to features', [z], [spec('out', ['batch', 64, 8, 8])], 'function'],
    ['a picture to scores', [y], [spec('scores', ['batch', 10])], 'function'],
    ['a picture to a picture', [y], [spec('out', ['batch', 3, 32, 32])], 'image-to-image'],
    ['a picture to a larger one', [y], [spec('out', ['batch', 3, 64, 64])], 'super-resolution'],
    ['pictures of any size', [spec('x', ['b', 3, 'h', 'w'])], [spec('out', ['b', 3, 'H', 'W'])], 'image-to-image'],
    ['two pictures to one', [y, spec('mask', ['batch', 1, 32, 32])], [spec('out', ['batch', 3, 32, 32])], 'function'],
    ['integers', [spec('ids', ['batch', 16], 'int64')], [y], 'function'],
  ])('%s', (_, inputs, outputs, kind) => {
    const manifest = manifestFor(undefined, undefined, inputs, outputs);
    expect(manifest.kind).toBe(kind);
    expect(manifest.inputs.map(({ name }) => name)).toEqual(inputs.map(({ name }) => name));
    expect(manifest.integrity).toEqual({ sha256: '', bytes: 0 });
    expect(manifestFor(undefined, manifest, inputs, outputs)).toEqual(manifest);
  });

  test.each<[TensorSpec, string, [number, number]]>([
    [y, 'nchw', [-1, 1]],
    [spec('image', ['b', 28, 28, 1]), 'nhwc', [-1, 1]],
    [spec('image', ['b', 3, 4, 3]), 'nchw', [-1, 1]],
    [spec('image', ['b', 28, 28, 3], 'uint8'), 'nhwc', [0, 255]],
    [spec('image', ['b', 'c', 'h', 'w']), 'nchw', [-1, 1]],
  ])('output %o', (output, layout, range) => {
    expect(manifestFor(undefined, undefined, [z], [output]).outputs[0]).toMatchObject({ role: 'image', layout, range });
  });
});

describe('the file’s own manifest', () => {
  const own = manifestFor(undefined, undefined, [z], [y]);
  const changed = (change: (m: Manifest) => void): Manifest => {
    const manifest = JSON.parse(JSON.stringify(own)) as Manifest;
    change(manifest);
    return manifest;
  };

  test.each<[string, Manifest, RegExp]>([
    [
      'an input that is not there',
      changed((m) => (m.inputs[0]!.name = 'w')),
      /manifest\.inputs: expected names among z, got 'w'/,
    ],
    [
      'an input left out',
      changed((m) => (m.inputs = [])),
      /manifest\.inputs: expected every input of the model, got none for 'z'/,
    ],
    [
      'another type',
      changed((m) => (m.outputs[0]!.dtype = 'uint8')),
      /manifest\.outputs\.image\.dtype: expected the model's float32, got uint8/,
    ],
    [
      'another size',
      changed((m) => (m.inputs[0]!.shape = ['batch', 64])),
      /manifest\.inputs\.z\.shape: expected the model's \[batch, 100\], got \[batch, 64\]/,
    ],
    ['another rank', changed((m) => (m.outputs[0]!.shape = ['batch', 3072])), /manifest\.outputs\.image\.shape/],
    ['no latent', changed((m) => (m.inputs[0]!.role = 'tensor')), /role 'latent'/],
    ['no picture', changed((m) => (m.outputs[0]!.role = 'score')), /role 'image'/],
  ])('is refused with %s', (_, manifest, message) => {
    expect(() => manifestFor(undefined, manifest, [z], [y])).toThrow(
      expect.objectContaining({ code: 'model.format', message: expect.stringMatching(message) as string }) as Error,
    );
  });

  test('may use another name for a dynamic dimension', () => {
    expect(
      manifestFor(
        undefined,
        changed((m) => (m.inputs[0]!.shape = ['n', 100])),
        [z],
        [y],
      ).kind,
    ).toBe('latent');
  });
});

describe('the caller’s fields', () => {
  test('override both, by name', () => {
    const manifest = manifestFor(
      {
        license: 'MIT',
        outputs: [{ name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 3, 32, 32], range: [0, 1] }],
      },
      undefined,
      [z],
      [y, spec('extra', ['batch', 2])],
    );
    expect(manifest).toMatchObject({
      kind: 'latent',
      license: 'MIT',
      outputs: [
        { layout: 'nchw', range: [0, 1] },
        { name: 'extra', role: 'tensor' },
      ],
    });
  });

  test('are refused as a usage error when they do not fit', () => {
    const thrown = (given: Partial<Manifest>): unknown => {
      try {
        return manifestFor(given, undefined, [z], [y]);
      } catch (error) {
        return error;
      }
    };
    expect(thrown({ inputs: [{ name: 'nope', role: 'latent', dtype: 'float32', shape: [1] }] })).toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/load\.manifest\.inputs: expected names among z, got 'nope'/) as string,
    });
    expect(thrown({ kind: 'image-to-image' })).toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/role 'image'/) as string,
    });
  });
});
