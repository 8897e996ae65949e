// Systems: names of state, several of them in one process, what they leave behind, and how mistakes in a user's system
// are reported. Numbers are checked in tests/parity/step*.test.ts and tests/parity/games.test.ts.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it, test } from 'vitest';
import type { FieldSpec } from '../data/dataset.js';
import { arrayDataset } from '../data/arrays.js';
import { adam, applyUpdates } from '../optimizers/index.js';
import { namedVariable } from '../tfjs/variables.js';
import { train } from '../train/train.js';
import { checkData } from './check.js';
import { systemKind, type FieldKind, type SystemKind } from './kind.js';
import { runOf, runsIn, type Phase } from './phase.js';
import { checkMade } from './made.js';
import { dcgan, mlpGan } from './ready.js';
import { kindOf, makeSystem, registerSystem, systemNames } from './registry.js';
import type { GanSystem } from './system.js';

const image: FieldSpec = { shape: [12, 12, 1], dtype: 'float32', range: [-1, 1] };
const label: FieldSpec = { shape: [], dtype: 'int32', classes: ['a', 'b'] };
const data = { name: 'made', count: 8, fields: { image, label } };

const SMALL: Readonly<Record<string, () => GanSystem>> = {
  dcgan: () => dcgan({ size: 12, base: 2, latent: 3, batch: 2, seed: 7 }),
  'dcgan, lazily penalised critic': () =>
    dcgan({ size: 12, base: 2, latent: 3, batch: 2, dSteps: 2, penalties: { r1: { weight: 1, every: 4 } } }),
  mlp: () => mlpGan({ base: 4, baseD: 4, batch: 2, seed: 7 }),
  conditional: () => makeSystem('conditional', { base: 2, latent: 3 }, { data, batch: 2, seed: 7 }),
  'conditional, auxiliary': () =>
    makeSystem('conditional', { base: 2, latent: 3, conditioning: 'auxiliary' }, { data, batch: 2, seed: 7 }),
};

/** A field of each kind that systems may ask for. */
const FIELDS: Readonly<Record<FieldKind, FieldSpec>> = {
  image: { shape: [16, 16, 1], dtype: 'float32', range: [-1, 1] },
  vector: { shape: [2], dtype: 'float32' },
  label,
  text: { shape: [3], dtype: 'int32', vocabulary: ['', 'a', 'b'] },
};

/** Every system that is registered, as small as its option `base` makes it, on data of the kind that it reads. */
const EVERY = systemNames().map((name): [string, () => GanSystem] => {
  const fields = Object.fromEntries(Object.entries(kindOf(name).data).map(([field, kind]) => [field, FIELDS[kind]]));
  return [
    `${name}, as it is registered`,
    () => makeSystem(name as 'mlp', { base: 2 }, { data: { name: 'made', count: 8, fields }, batch: 2, seed: 7 }),
  ];
});

describe.each([...EVERY, ...Object.entries(SMALL)])('%s', (_, make) => {
  test('names its state uniquely and alike, however many live in the process, and disposes all of it', () => {
    make().dispose(); // layers make some constants once
    const before = tf.memory().numTensors;
    const [first, second] = [make(), make()];
    const names = first.variables.map((v) => v.name);
    expect(second.variables.map((v) => v.name)).toEqual(names);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((n) => /_\d+$/.test(n))).toEqual([]); // tfjs has added no suffix
    expect(second.variables.map((v) => v.dataSync())).toEqual(first.variables.map((v) => v.dataSync()));
    first.dispose();
    expect(second.variables.filter((v) => v.isDisposed)).toEqual([]);
    second.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe.each(Object.entries(SMALL))('%s', (_, make) => {
  test('starts its average at the generator', () => {
    const system = make();
    const { model, inputs } = system.outputs['generator'] ?? { model: () => [], inputs: [] };
    const given = inputs.map(({ shape, dtype }) => {
      const sizes = shape.map((size) => (typeof size === 'number' ? size : 2));
      return dtype === 'int32' ? tf.zeros(sizes, 'int32') : tf.randomNormal(sizes, 0, 1, 'float32', 1);
    });
    tf.tidy(() => {
      const averaged = (model as (...x: tf.Tensor[]) => tf.Tensor)(...given).dataSync();
      const [own] = [
        system.networks['g']?.apply(given.length === 1 ? (given[0] as tf.Tensor) : given, { training: false }),
      ];
      expect(averaged).toEqual((own as tf.Tensor).dataSync());
    });
    tf.dispose(given);
    system.dispose();
  });
});

test.each([
  [() => dcgan({ base: 0 }), /^dcgan\.base: .*got 0$/],
  [() => dcgan({ size: 30 }), /'dcgan', got 30 × 30/],
  [() => dcgan({ size: [8, 18] }), /'dcgan', got 8 × 18/],
  [() => dcgan({ loss: 'hing' }), /^dcgan\.loss: .*'hinge'/],
  [() => dcgan({ penalties: { r3: 1 } as never }), /penalty \(.*r1.*\)/],
  [() => dcgan({ emaStatistics: 'first' as never }), /^dcgan\.emaStatistics: .*got 'first'/],
  [() => mlpGan({ labelSmoothing: 1 }), /^mlp\.labelSmoothing: .*got 1$/],
  [() => mlpGan({ loss: 'hinge', labelSmoothing: 0.1 }), /smoothing: /],
  [() => mlpGan({ schedules: { rate_dd: 'cosine' } }), /schedules\.rate_dd: .*got 'rate_dd'.*'rate_d'/],
  [() => mlpGan({ schedules: { ema: 'linear:0.9:1' } }), /schedules\.ema: .*got 1 \(to\)$/],
  [() => mlpGan({ loss: 'rpgan', labelFlips: 0.1 }), /smoothing: /],
  [() => mlpGan({ loss: 'hinge', schedules: { labelNoise: 'linear:0.2:0' } }), /smoothing: /],
  [() => mlpGan({ loss: 'wasserstein', slowD: {} }), /slowD: .*got 'wasserstein'/],
  [() => mlpGan({ slowD: { above: 0.5 } }), /^mlp\.slowD\.above: .*got 0\.5$/],
  [() => mlpGan({ boostD: { most: 0.5 } }), /^mlp\.boostD\.most: .*got 0\.5$/],
  [() => mlpGan({ batch: 6, pack: 4 }), /batch: .*4.*got 6/],
  [() => makeSystem('conditional', { pack: 2 }, { data }), /pack: .*'conditional'.*got 2/],
  [() => dcgan({ instanceNoise: -1 }), /^dcgan\.instanceNoise: .*got -1$/],
  [() => dcgan({ init: 'xavier' as never }), /^dcgan\.init: .*got 'xavier'/],
  [() => dcgan({ featureMatching: {} as never }), /^dcgan\.featureMatching\.layer: expected/],
  [
    () => dcgan({ size: 8, base: 2, featureMatching: { layer: 'd/conv0_lekay' } }),
    /taps: .*got 'd\/conv0_lekay'.*'d\/conv0_leaky'/,
  ],
  [() => mlpGan({ momentum: 0.5 }), /momentum: .*optimizer 'sgd'.*got 'adam'/],
  [() => mlpGan({ ema: 1 }), /^mlp\.ema: .*got 1$/],
  [() => kindOf('dgcan'), /^system: .*'dcgan'/],
])('configuration %# is refused before anything is made', (make, message) => {
  const before = tf.memory().numTensors;
  expect(make).toRefuse('config.invalid', message);
  expect(tf.memory().numTensors).toBe(before);
});

test('phases with `every` and `repeat` count their runs over the whole training', () => {
  const phase = (every: number, repeat: number): Phase => ({ name: 'p', every, repeat, inputs: {}, step: () => ({}) });
  const runs = (of: Phase): number[] =>
    [0, 1, 2, 3].flatMap((step) => Array.from({ length: runsIn(of, step) }, (_, i) => runOf(of, step, i)));
  expect(runs(phase(1, 1))).toEqual([0, 1, 2, 3]);
  expect(runs(phase(1, 2))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(runs(phase(2, 1))).toEqual([0, 1]);
  expect(runs(phase(3, 2))).toEqual([0, 1, 2, 3]);
  // a phase that begins later or ends sooner counts as if it had always run
  expect(runs({ ...phase(1, 1), from: 2 })).toEqual([2, 3]);
  expect(runs({ ...phase(2, 1), until: 2 })).toEqual([0]);
});

describe('a user’s system', () => {
  const dataset = arrayDataset({ data: new Float32Array(8), shape: [2] });
  /** A system of one weight that follows the data's mean; `change` breaks it. */
  const mine = (change: (whole: GanSystem) => Partial<GanSystem>): SystemKind =>
    systemKind({
      name: 'mine',
      summary: '',
      options: {},
      data: { vector: 'vector' },
      roles: [],
      make: (_, { batch }) => {
        const w = tf.tidy(() => namedVariable('w', tf.zeros([2]), true));
        const optimizer = adam().prepare([w]);
        const whole: GanSystem = {
          name: 'mine',
          networks: {},
          variables: [w, ...optimizer.state],
          phases: [
            {
              name: 'fit',
              inputs: {
                x: { shape: [batch, 2], from: { data: 'vector' } },
                rate: { shape: [], from: { schedule: 'rate' } },
              },
              step: ({ x, rate }) => {
                const loss = () => tf.mean<tf.Scalar>(tf.square(tf.sub(x as tf.Tensor, w)));
                const { value, grads } = tf.variableGrads(loss, [w]);
                applyUpdates(optimizer([w], grads, rate as tf.Tensor));
                return { loss: value };
              },
            },
          ],
          outputs: {
            shifted: {
              model: (x) => tf.add(x, w),
              inputs: [{ name: 'x', shape: ['batch', 2] }],
              outputs: [{ name: 'y' }],
              file: 'shifted.onnx',
              kind: 'function',
            },
          },
          schedules: { rate: () => 0.1 },
          dispose: () => tf.dispose([w, ...optimizer.state]),
        };
        return { ...whole, ...change(whole) };
      },
    }) as unknown as SystemKind;
  const run = (system: SystemKind) => train({ data: 'here', steps: 2, batch: 2, engine: 'tfjs' }, { system, dataset });
  const phase = (change: (phase: Phase) => Partial<Phase>) =>
    mine(({ phases }) => ({ phases: phases.map((one) => ({ ...one, ...change(one) })) }));

  test('trains, logs what it returns, and writes its file', async () => {
    const { step, store, models } = await run(mine(() => ({})));
    expect(step).toBe(2);
    expect((await store.lines()).map(({ scalars, rates }) => [Object.keys(scalars), rates])).toEqual([
      [['loss'], { rate: 0.1 }],
      [['loss'], { rate: 0.1 }],
    ]);
    expect(Object.keys(models ?? {})).toEqual(['shifted.onnx']);
  });

  test.each<[string, SystemKind, RegExp]>([
    ['forgets a variable', mine(({ variables }) => ({ variables: variables.slice(0, 1) })), /got 'adam\/step', which/],
    [
      'assigns one twice',
      phase(({ step }) => ({ step: (inputs) => (step(inputs), step(inputs)) })),
      /one assignment .* second one of '/,
    ],
    ['returns a vector', phase(() => ({ step: () => ({ loss: tf.zeros([3]) }) })), /got 'loss' float32 \[3\]/],
    [
      'reads a field that is not there',
      phase(({ inputs }) => ({ inputs: { ...inputs, x: { shape: [2, 2], from: { data: 'image' } } } })),
      /input 'x': .*got 'image'/,
    ],
    [
      'reads a field in another shape',
      phase(({ inputs }) => ({ inputs: { ...inputs, x: { shape: [2, 3], from: { data: 'vector' } } } })),
      /expected \[batch, 2\].*got \[2, 3\]/,
    ],
    ['lacks a schedule', mine(() => ({ schedules: {} })), /the schedule 'rate' of its input 'rate'.*got none/],
    ['has no outputs', mine(() => ({ outputs: {} })), /outputs.*got none/],
    ['runs a phase half', phase(() => ({ every: 0.5 })), /a whole number ≥ 1 for every, got 0\.5/],
    ['ends a phase before it begins', phase(() => ({ from: 3, until: 3 })), /until above it, got 3 and 3/],
  ])('that %s is reported in one sentence', async (_, system, message) => {
    await expect(run(system)).rejects.toRefuse('config.invalid', message);
  });

  test('is registered under its name once', () => {
    const own = { ...mine(() => ({})), name: 'mine-registered' };
    registerSystem(own);
    expect(systemNames()).toContain('mine-registered');
    expect(() => registerSystem(own)).toRefuse('usage');
  });
});

describe('what make returns', () => {
  const whole = { networks: {}, variables: [], phases: [], outputs: {}, schedules: {}, dispose: () => {} };
  const output = { model: () => [], inputs: [], outputs: [], file: 'g.onnx', kind: 'function' };
  it.each([
    ['nothing', () => null, /got null/],
    ['a promise', () => Promise.reject(new Error('not handled')), /got a promise/],
    ['a number', () => 5, /got 5/],
    ['no phases', () => ({ ...whole, phases: null }), /a list of phases as phases/],
    ['no dispose', () => ({ ...whole, dispose: undefined }), /a function as dispose/],
    ['a list of networks', () => ({ ...whole, networks: [] }), /networks by name/],
    ['a phase that is nothing', () => ({ ...whole, phases: [null] }), /an object as phase 0, got null/],
    [
      'a phase without a step',
      () => ({ ...whole, phases: [{ name: 'p', inputs: {} }] }),
      /a function as step of phase 0/,
    ],
    ['an output that is nothing', () => ({ ...whole, outputs: { o: null } }), /an object as output 'o'/],
    ['an output outside', () => ({ ...whole, outputs: { o: { ...output, file: '../g.onnx' } } }), /name of a file/],
    [
      'an output over config.json',
      () => ({ ...whole, outputs: { o: { ...output, file: 'config.json' } } }),
      /generator/,
    ],
    [
      'an output over the best one',
      () => ({ ...whole, outputs: { o: { ...output, file: 'best-g.onnx' } } }),
      /generator/,
    ],
    ['two outputs in a file', () => ({ ...whole, outputs: { a: output, b: output } }), /'g\.onnx' twice/],
    [
      'an output without a file',
      () => ({ ...whole, outputs: { o: { ...output, file: undefined } } }),
      /name of a file/,
    ],
    [
      'a schedule that is a number',
      () => ({ ...whole, schedules: { rate: 5 } }),
      /a function as schedule 'rate', got 5/,
    ],
    ['no variables', () => ({ ...whole, variables: [1] }), /a tf.Variable as number 0 of variables, got 1/],
  ])('is refused as %s', (_, made, message) => {
    expect(() => checkMade('own', made())).toThrow(message);
  });

  it('is taken with all parts', () => {
    const made = { ...whole, outputs: { output } };
    expect(checkMade('own', made)).toBe(made);
  });
});

it.each(['pix2pix', 'cyclegan', 'srgan', 'stylegan', 'text2image'])(
  '%s, whose files declare [-1, 1], refuses pictures in [0, 1] and [0, 255]',
  (system) => {
    const kind = kindOf(system);
    const fields = (range: [number, number]): Record<string, FieldSpec> =>
      Object.fromEntries(
        Object.entries(kind.data).map(([field, what]): [string, FieldSpec] => [
          field,
          what === 'image' ? { shape: [8, 8, 3], dtype: 'float32', range } : { shape: [4], dtype: 'int32' },
        ]),
      );
    const checked = (low: number, high: number) => (): void =>
      checkData(kind, { name: 'own', count: 4, fields: fields([low, high]), read: () => {} });
    for (const [low, high] of [
      [0, 1],
      [0, 255],
      [-2, 1],
      [0.01, 0.97],
    ] as const)
      expect(checked(low, high)).toRefuse('config.invalid', 'config.data', '[-1, 1]', `[${low}, ${high}]`);
    for (const [low, high] of [
      [-1, 1],
      [-0.9, 0.8],
      [0, 0],
      [0, 0.5],
    ] as const)
      expect(checked(low, high)).not.toThrow();
  },
);
