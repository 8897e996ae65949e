// Feeds of models with styles (psi and style mixing), recorded by a fake session. Labels: generator.test.ts.
import { describe, expect, test } from 'vitest';
import {
  Generator,
  latents,
  manifestFor,
  philoxNormal,
  type Manifest,
  type NamedTensors,
  type Session,
  type TensorSpec,
} from '../index.js';

const SIZE = 4;
const LAYERS = 6;
const rows = (name: string, role: TensorSpec['role'], ...shape: number[]): TensorSpec => ({
  name,
  role: role as NonNullable<TensorSpec['role']>,
  dtype: 'float32',
  shape: ['batch', ...shape],
});
const inputs: TensorSpec[] = [
  rows('z', 'latent', SIZE),
  rows('psi', 'psi'),
  rows('second', 'mix', SIZE),
  { ...rows('layer', 'layer'), dtype: 'int32', range: [0, LAYERS] },
];
const outputs: TensorSpec[] = [{ name: 'image', dtype: 'float32', shape: ['batch', 1, 2, 2] }];

function styled(given: Partial<Manifest> = { inputs: inputs as Manifest['inputs'] }): {
  generator: Generator;
  fed: NamedTensors[];
} {
  const fed: NamedTensors[] = [];
  const session = {
    inputs,
    outputs,
    run: (feeds: NamedTensors) => {
      fed.push(feeds);
      const count = feeds['z']?.shape[0] ?? 0;
      return Promise.resolve({
        image: { dtype: 'float32', shape: [count, 1, 2, 2], data: new Float32Array(count * 4) },
      });
    },
    dispose: () => Promise.resolve(),
  } as unknown as Session; // all that sampling uses
  const manifest: Manifest = {
    ...manifestFor(undefined, undefined, inputs, outputs),
    kind: 'latent',
    inputs: inputs as Manifest['inputs'],
    outputs: [
      { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 2, 2], range: [-1, 1], layout: 'nchw' },
    ],
    ...given,
  };
  return { fed, generator: new Generator({ session, manifest, modelBytes: 1, dispose: () => Promise.resolve() }) };
}
const numbers = (feeds: NamedTensors | undefined, name: string): number[] =>
  Array.from(feeds?.[name]?.data as Float32Array | Int32Array);

describe('a model with styles', () => {
  test('by default gets unscaled styles, without mixing', async () => {
    const { generator, fed } = styled();
    await generator.sample({ count: 3, seed: 5 });
    const [feeds] = fed;
    expect(numbers(feeds, 'z')).toEqual([...latents(5, 0, 3, SIZE)]);
    expect(numbers(feeds, 'psi')).toEqual([1, 1, 1]);
    expect(numbers(feeds, 'layer')).toEqual([LAYERS, LAYERS, LAYERS]);
    expect(numbers(feeds, 'second')).toEqual(new Array(3 * SIZE).fill(0));
    expect(Object.entries(feeds ?? {}).map(([name, { shape }]) => [name, shape])).toEqual([
      ['z', [3, SIZE]],
      ['psi', [3]],
      ['second', [3, SIZE]],
      ['layer', [3]],
    ]);
  });

  test('psi scales styles, not latents; a number redraws latents; both work with given latents', async () => {
    const { generator, fed } = styled();
    const own = latents(9, 0, 2, SIZE);
    await generator.sample({ count: 2, truncation: { psi: 0.5 } });
    await generator.sample({ count: 2, truncation: 0.5 });
    await generator.sample({ latents: own, truncation: { psi: 0 } });
    expect(fed.map((feeds) => [numbers(feeds, 'z'), numbers(feeds, 'psi')])).toEqual([
      [[...latents(0, 0, 2, SIZE)], [0.5, 0.5]],
      [[...latents(0, 0, 2, SIZE, { truncation: 0.5 })], [1, 1]],
      [[...own], [0, 0]],
    ]);
  });

  test('picture i mixes with latent i of the second seed, or all with the same one', async () => {
    const { generator, fed } = styled();
    await generator.sample({ count: 2, mix: { seed: 7, from: 2 } });
    await generator.sample({ count: 2, mix: { seed: 7n, from: 0, index: 3 } });
    for await (const _ of generator.stream({ start: 4, count: 1, mix: { seed: 7, from: 2 } }));
    const three = latents(7, 3, 1, SIZE);
    expect(fed.map((feeds) => [numbers(feeds, 'second'), numbers(feeds, 'layer')])).toEqual([
      [[...latents(7, 0, 2, SIZE)], [2, 2]],
      [
        [...three, ...three],
        [0, 0],
      ],
      [[...latents(7, 4, 1, SIZE)], [2]],
    ]);
  });

  test('calls of one tick share a run, with any options', async () => {
    const { generator, fed } = styled();
    await generator.sample();
    await Promise.all([
      generator.sample({ count: 2, truncation: { psi: 0.5 } }),
      generator.sample({ mix: { seed: 1, from: 3 } }),
    ]);
    expect(fed.slice(1).map((feeds) => [numbers(feeds, 'psi'), numbers(feeds, 'layer')])).toEqual([
      [
        [0.5, 0.5, 1],
        [LAYERS, LAYERS, 3],
      ],
    ]);
  });

  test('a walk applies psi to styles, and mixes with one latent', async () => {
    const { generator, fed } = styled();
    await generator.interpolate({ from: 1, to: 2, steps: 3, truncation: { psi: 0.5 }, mix: { seed: 7, from: 1 } });
    const second = latents(7, 0, 1, SIZE);
    expect(numbers(fed[0], 'psi')).toEqual([0.5, 0.5, 0.5]);
    expect(numbers(fed[0], 'second')).toEqual([...second, ...second, ...second]);
    expect(numbers(fed[0], 'z').slice(0, SIZE)).toEqual([...latents(1, 0, 1, SIZE)]);
  });

  test('noise is of the seed, of another one, or none; several inputs of noise differ', async () => {
    const noisy = [...inputs, rows('fine', 'noise', 3), rows('finer', 'noise', 2)];
    const { generator, fed } = styled({ inputs: noisy as Manifest['inputs'] });
    await generator.sample({ count: 2, seed: 5 });
    await generator.sample({ count: 2, seed: 5, noise: { seed: 6n } });
    await generator.sample({ count: 2, seed: 5, noise: 'none' });
    for await (const _ of generator.stream({ seed: 5, start: 4, count: 1, noise: { seed: 6 } }));
    await generator.interpolate({ from: 5, to: 8, steps: 2, noise: { seed: 6 } });
    const of = (seed: number, stream: number, size: number, ...steps: number[]): number[] =>
      steps.flatMap((step) => [...philoxNormal({ seed, stream, step }, size)]);
    expect(fed.map((feeds) => [numbers(feeds, 'fine'), numbers(feeds, 'finer')])).toEqual([
      [of(5, 0, 3, 0, 1), of(5, 1, 2, 0, 1)],
      [of(6, 0, 3, 0, 1), of(6, 1, 2, 0, 1)],
      [new Array(6).fill(0), new Array(4).fill(0)],
      [of(6, 0, 3, 4), of(6, 1, 2, 4)],
      [of(6, 0, 3, 0, 0), of(6, 1, 2, 0, 0)],
    ]);
    expect(numbers(fed[1], 'z')).toEqual(numbers(fed[0], 'z'));
    await expect(generator.sample({ noise: { seed: -1 } })).rejects.toMatchObject({ code: 'input.range' });
    await expect(generator.sample({ noise: {} as never })).rejects.toRefuse('input.range', /^sample\.noise\.seed/);
    await expect(generator.sample({ noise: 'None' as never })).rejects.toRefuse('usage', /^sample\.noise: .*'None'/);
    await expect(generator.sample({ noise: { seed: 1, index: 2 } as never })).rejects.toRefuse(
      'usage',
      /^sample\.noise\.index/,
    );
    expect(fed.length).toBe(5);
  });

  test.each([
    [{ noise: 'none' as const }, 'usage', /^sample\.noise: .*takes no noise/],
    [{ truncation: { psi: 3 } }, 'input.range', /^sample\.truncation: .*psi/],
    [{ mix: { seed: 1, from: 7 } }, 'input.range', /^sample\.mix\.from: .*0.*6/],
    [{ mix: { seed: 1, from: 0.5 } }, 'input.range', /^sample\.mix\.from/],
    [{ mix: { seed: -1, from: 0 } }, 'input.range', /seed/],
    [{ mix: { seed: 1, from: 0, index: -1 } }, 'input.range', /^sample\.mix\.index/],
    [{ mix: 7 as never }, 'usage', /^sample\.mix: expected an object, got 7/],
    [{ label: 1 }, 'usage', /^sample\.label: expected no label/],
  ])('%j is refused', async (options, code, message) => {
    const { generator, fed } = styled();
    await expect(generator.sample(options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
    expect(fed).toEqual([]);
  });
});

test('a model without a second latent refuses mixing; a model with an unknown role cannot be sampled', async () => {
  const plain = styled({ inputs: [inputs[0], { ...inputs[1] }] as Manifest['inputs'] });
  await expect(plain.generator.sample({ mix: { seed: 1, from: 0 } })).rejects.toThrow(
    'sample.mix: expected none, as the model takes no second latent',
  );
  const later = styled({
    inputs: inputs.map((input) => (input.name === 'psi' ? { ...input, role: 'tensor' } : input)) as Manifest['inputs'],
  });
  await expect(later.generator.sample()).rejects.toMatchObject({ code: 'model.notGenerator' });
  expect(await later.generator.run({ z: new Float32Array(SIZE) })).toHaveProperty('image');
});
