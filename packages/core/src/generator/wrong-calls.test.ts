// What callers without types pass: misspelled options are refused with the right names, and no value of a wrong kind
// gives anything but a typed error.
import { describe, expect, test } from 'vitest';
import {
  Generator,
  isForjaError,
  latentWalk,
  manifestFor,
  mixTable,
  psiTable,
  seedTable,
  toBatch,
  fromImages,
  type Manifest,
  type NamedTensors,
  type Session,
  type TensorSpec,
} from '../index.js';

type Call = (...given: unknown[]) => unknown;

function generatorOf(inputs: TensorSpec[], outputs: TensorSpec[], given: Partial<Manifest>): Generator {
  const session = {
    inputs,
    outputs,
    run: (feeds: NamedTensors) =>
      Promise.resolve(
        Object.fromEntries(
          outputs.map(({ name = '', shape }) => {
            const rows = Object.values(feeds)[0]?.shape[0] ?? 1;
            const sizes = [rows, ...shape.slice(1)].map((size) => (typeof size === 'number' ? size : 2));
            return [name, { dtype: 'float32', shape: sizes, data: new Float32Array(sizes.reduce((a, b) => a * b, 1)) }];
          }),
        ),
      ),
    dispose: () => Promise.resolve(),
  } as unknown as Session; // all that a generator asks of one here
  const manifest = manifestFor(given, undefined, inputs, outputs);
  return new Generator({ session, manifest, modelBytes: 1, dispose: () => session.dispose() });
}

const float = (name: string, ...shape: (number | string)[]): TensorSpec => ({ name, dtype: 'float32', shape });
const LAYERED = { dtype: 'int32' as const, name: 'layer', shape: ['batch'], role: 'layer' as const };
const latent = generatorOf(
  [float('z', 'batch', 4), float('second', 'batch', 4), { name: 'layer', dtype: 'int32', shape: ['batch'] }],
  [float('image', 'batch', 1, 2, 2)],
  {
    kind: 'latent',
    outputs: [{ ...float('image', 'batch', 1, 2, 2), role: 'image', layout: 'nchw' } as Manifest['outputs'][number]],
    inputs: [
      { ...float('z', 'batch', 4), role: 'latent' } as Manifest['inputs'][number],
      { ...float('second', 'batch', 4), role: 'mix' } as Manifest['inputs'][number],
      { ...LAYERED, range: [0, 4] } as Manifest['inputs'][number],
    ],
  },
);
const translator = generatorOf([float('x', 1, 1, 2, 2)], [float('y', 1, 1, 2, 2)], {
  kind: 'image-to-image',
  inputs: [{ ...float('x', 1, 1, 2, 2), role: 'image', layout: 'nchw' } as Manifest['inputs'][number]],
  outputs: [{ ...float('y', 1, 1, 2, 2), role: 'image', layout: 'nchw' } as Manifest['outputs'][number]],
});

const picture = { width: 2, height: 2, data: new Uint8Array(4) };
const z = [new Float32Array(4), new Float32Array(4)];
const batch = toBatch({ dtype: 'float32', shape: [1, 1, 2, 2], data: new Float32Array(4) }, { layout: 'nchw' });

async function streamed(options: unknown): Promise<void> {
  for await (const _ of latent.stream(options as never)) return;
}

/** Functions by name: called with options over what they need, and the options they have. */
const CALLS: Record<string, { call: (options: unknown) => unknown; needs?: object; options: string }> = {
  sample: {
    call: (options) => latent.sample(options as never),
    options: 'count label latents mix seed signal text truncation',
  },
  stream: { call: streamed, options: 'count label mix seed signal start text truncation' },
  interpolate: {
    call: (options) => latent.interpolate(options as never),
    needs: { seeds: [1, 2], steps: 3 },
    options: 'from label loop mix mode seeds signal steps synthesis text to truncation',
  },
  translate: {
    call: (options) => translator.translate(picture, options as never),
    options: 'onProgress overlap signal tile',
  },
  grid: { call: (options) => batch.grid(1, options as never), options: 'background padding' },
  toGIF: { call: (options) => batch.toGIF(options as never), options: 'delayMs plays' },
  toAPNG: { call: (options) => batch.toAPNG(options as never), options: 'delayMs plays' },
  latentWalk: { call: (options) => latentWalk(z, 2, options as never), options: 'loop mode' },
  fromImages: {
    call: (options) => fromImages([picture], options as never),
    needs: { layout: 'nchw' },
    options: 'channels dtype layout range',
  },
  mixTable: {
    call: (options) => mixTable(latent, options as never),
    needs: { rows: [1], columns: [2], from: 1 },
    options: 'columns from label rows signal text truncation',
  },
  psiTable: {
    call: (options) => psiTable(latent, options as never),
    needs: { seeds: [1], psi: [1] },
    options: 'label mix psi seeds signal text',
  },
  seedTable: {
    call: (options) => seedTable(latent, options as never),
    needs: { seeds: [1] },
    options: 'label mix seeds signal text truncation',
  },
};

const WRONG: unknown[] = [null, 7, -1, 0.5, NaN, Infinity, 2n, 'x', '', true, {}, [], [null], [{}], Symbol('s')];
WRONG.push(() => 1, new Float32Array(3), new Map(), new Date(0), Promise.resolve(1), { psi: 'x' }, { seed: 1 });

/** What a call throws, now or later; undefined if it succeeds. */
const thrown = async (call: () => unknown): Promise<unknown> => {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe.each(Object.entries(CALLS))('%s', (_, { call, needs = {}, options }) => {
  test('works with what it needs', async () => expect(await thrown(() => call(needs))).toBeUndefined());

  test.each(options.split(' '))('names %s, where it is misspelled', async (name) => {
    const error = await thrown(() => call({ ...needs, [`${name}x`]: 1 }));
    expect(isForjaError(error) && error).toMatchObject({
      code: 'usage',
      message: expect.stringMatching(new RegExp(`\\.${name}x: expected one of the options .*\\b${name}\\b`)) as string,
    });
  });

  test('refuses wrong kinds of options, and of each option, with typed errors only', async () => {
    const stray: unknown[] = [];
    const all = WRONG.map((value) => [value] as unknown[]);
    const each = options.split(' ').flatMap((name) => WRONG.map((value) => [{ ...needs, [name]: value }]));
    for (const given of [...all, ...each]) {
      const error = await thrown(() => (call as Call)(...given));
      if (error !== undefined && !(isForjaError(error) && error.code !== 'internal')) stray.push([given, error]);
    }
    expect(stray).toEqual([]);
  });
});

test('a walk of fewer pictures than stops is refused, where it would skip some', async () => {
  const walk = (seeds: number[], steps: number, loop = false) => latent.interpolate({ seeds, steps, loop });
  await expect(walk([1, 2, 3, 4, 5], 4)).rejects.toRefuse('input.range', 'interpolate.steps', '5', '4');
  await expect(walk([1, 2, 3], 2, true)).rejects.toRefuse('input.range', 'interpolate.steps');
  expect((await walk([1, 2, 3], 3)).count).toBe(3);
  expect(() => latentWalk([...z, ...z], 3)).toRefuse('input.range', 'latentWalk.steps', '4');
});

test('an option that is undefined is one that is not given, whatever its name', async () => {
  expect((await latent.sample({ sed: undefined } as never)).count).toBe(1);
});
