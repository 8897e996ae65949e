// Losses against PyTorch in double precision (tests/vectors/losses.py): values, and gradients even where σ is 0 or 1 in
// float32.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { withGradients } from '../gradients/index.js';
import {
  charbonnier,
  classification,
  featureMatching,
  l1,
  l2,
  lossNames,
  lossOf,
  losses,
  registerLoss,
  smoothed,
  type LossName,
} from './index.js';

interface Packed {
  shape: number[];
  data: number[];
}
interface Wanted {
  value: number;
  slopes: Packed[];
}
const vectors = JSON.parse(readFileSync(new URL('../../../../tests/vectors/losses.json', import.meta.url), 'utf8')) as {
  real: Packed;
  fake: Packed;
  losses: Record<LossName, Record<'discriminator' | 'generator', Wanted>>;
  smoothing: (Wanted & { real: number; fake: number })[];
  matching: Wanted & Record<'real' | 'fake', Record<'map' | 'vector', Packed>>;
  classification: Wanted & { logits: Packed; labels: number[] };
  reconstruction: { got: Packed; wanted: Packed } & Record<'l1' | 'l2' | 'charbonnier', Wanted>;
};
const logits = (x: tf.Tensor): { logits: tf.Tensor } => ({ logits: x });
const tensor = ({ data, shape }: Packed): tf.Tensor => tf.tensor(data, shape);

/** Value and gradients of `f` are PyTorch's. */
function expectWanted(f: (...xs: tf.Tensor[]) => tf.Scalar, given: readonly Packed[], wanted: Wanted): void {
  const [value, ...slopes] = tf.tidy(() =>
    withGradients(() => {
      const { value: one, grads } = tf.valueAndGrads(f)(given.map(tensor));
      return [one, ...grads].map((x) => x.dataSync());
    }),
  );
  expect(value ?? []).toBeAllclose([wanted.value], { rtol: 1e-6 });
  expect(slopes).toHaveLength(wanted.slopes.length);
  wanted.slopes.forEach((slope, i) => expect(slopes[i] ?? []).toBeAllclose(slope.data, { rtol: 1e-5, atol: 1e-8 }));
}

/** Makes `f` use all its arguments, as tfjs refuses to differentiate by others. */
const using =
  (f: (a: tf.Tensor, b: tf.Tensor) => tf.Scalar) =>
  (a: tf.Tensor, b: tf.Tensor): tf.Scalar =>
    tf.addN([f(a, b), tf.sum<tf.Scalar>(tf.mul(b, 0))]);

test('every ready loss has its definition in tests/vectors/losses.py', () => {
  expect(Object.keys(vectors.losses).sort()).toEqual(Object.keys(losses).sort());
});

describe.each(Object.keys(losses) as LossName[])('%s', (name) => {
  const { real, fake } = vectors;
  const loss = lossOf(name);

  test('of the discriminator has PyTorch’s value and gradients', () => {
    const of = (a: tf.Tensor, b: tf.Tensor): tf.Scalar => loss.discriminator(logits(a), logits(b));
    expectWanted(of, [real, fake], vectors.losses[name].discriminator);
  });

  test('of the generator has PyTorch’s value and gradients', () => {
    const of = (a: tf.Tensor, b: tf.Tensor): tf.Scalar => loss.generator(logits(a), logits(b));
    expectWanted(using(of), [fake, real], vectors.losses[name].generator);
  });

  test('declares whether the generator’s loss depends on real examples', () => {
    const [, byReal] = vectors.losses[name].generator.slopes;
    expect(loss.relativistic === true).toBe(byReal?.data.some((x) => x !== 0));
  });

  test('treats a map of patches like a column', () => {
    const map = ({ data }: Packed): tf.Tensor => tf.tensor(data.slice(0, 6), [1, 2, 3, 1]);
    const column = ({ data }: Packed): tf.Tensor => tf.tensor(data.slice(0, 6), [6, 1]);
    const [a, b] = [map, column].map((as) =>
      tf.tidy(() => {
        const [r, f] = [logits(as(real)), logits(as(fake))];
        return [...loss.discriminator(r, f).dataSync(), ...loss.generator(f, r).dataSync()];
      }),
    );
    expect(a).toEqual(b);
  });
});

test.each(vectors.smoothing)(
  'labels smoothed by $real and $fake are PyTorch’s targets',
  ({ real, fake, ...wanted }) => {
    const loss = smoothed(losses.saturating, { real, fake });
    expectWanted((a, b) => loss.discriminator(logits(a), logits(b)), [vectors.real, vectors.fake], wanted);
  },
);

test('smoothing needs cross-entropy, and amounts that keep the targets distinct', () => {
  const refused = expect.objectContaining({ code: 'config.invalid' }) as Error;
  expect(smoothed(losses.hinge, {})).toBe(losses.hinge);
  expect(() => smoothed(losses.hinge, { real: 0.1 })).toThrow(refused);
  expect(() => smoothed(losses.rpgan, { fake: 0.1 })).toThrow(refused);
  for (const real of [1, -0.1, NaN]) expect(() => smoothed(losses.saturating, { real })).toThrow(refused);
});

test('feature matching compares means of the named layers', () => {
  const { real, fake } = vectors.matching;
  const given = [fake.map, fake.vector];
  const of = (map: tf.Tensor, vector: tf.Tensor, layers?: string[]): tf.Scalar =>
    featureMatching(
      { logits: map, features: { map, vector } },
      { logits: map, features: { map: tensor(real.map), vector: tensor(real.vector) } },
      layers,
    );
  expectWanted((a, b) => of(a, b), given, vectors.matching);
  const [all, ...parts] = tf.tidy(() => {
    const [a, b] = [tensor(fake.map), tensor(fake.vector)];
    return [of(a, b), of(a, b, ['map']), of(a, b, ['vector'])].map((x) => x.dataSync()[0] ?? NaN);
  });
  expect([all ?? NaN]).toBeAllclose([parts.reduce((x, y) => x + y, 0)], { rtol: 1e-6 });
  const refused = expect.objectContaining({ code: 'input.shape' }) as Error;
  tf.tidy(() => {
    const a = tensor(fake.map);
    expect(() => of(a, a, ['other'])).toThrow(refused);
    expect(() => featureMatching(logits(a), logits(a))).toThrow(refused);
  });
});

test('classification is PyTorch’s cross-entropy with labels', () => {
  const { logits: given, labels, ...wanted } = vectors.classification;
  expectWanted(
    (classes) => classification({ logits: classes, classes }, tf.tensor1d(labels, 'int32')),
    [given],
    wanted,
  );
  const without = (): tf.Scalar => classification(logits(tensor(given)), tf.tensor1d(labels, 'int32'));
  expect(() => tf.tidy(without)).toThrow(expect.objectContaining({ code: 'input.shape' }) as Error);
});

test.each(Object.entries({ l1, l2, charbonnier }))('%s is PyTorch’s', (name, distance) => {
  const { got, wanted } = vectors.reconstruction;
  expectWanted((x) => distance(x, tensor(wanted)), [got], vectors.reconstruction[name as 'l1' | 'l2' | 'charbonnier']);
});

test('users’ losses are found by name, and a name can be registered once', () => {
  const own = { ...losses.hinge, name: 'own' };
  registerLoss(own);
  expect(lossOf('own')).toBe(own);
  expect(lossNames()).toEqual([...Object.keys(losses), 'own']);
  expect(() => registerLoss({ ...own, name: 'hinge' })).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
  expect(() => registerLoss({ ...own, name: '' })).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
  expect(() => registerLoss({ name: 'half', generator: own.generator } as never)).toRefuse(
    'usage',
    'loss.discriminator',
  );
  for (const name of [null, undefined, 7n, Object.create(null), new Proxy({}, {})])
    expect(() => lossOf(name as string)).toThrow(expect.objectContaining({ code: 'config.invalid' }) as Error);
  expect(() => lossOf('toString')).toThrow(expect.objectContaining({ code: 'config.invalid' }) as Error);
});

test('noisy and flipped targets give cross-entropy with each target changed', () => {
  const x = { real: [1.5, -0.5, 3], fake: [-2, 0.25, 0.5] };
  const numbers: Record<string, number[]> = {
    real_noise: [0.5, 0, 0.25],
    real_flips: [0.1, 0.6, 0.7],
    fake_noise: [0.75, 0.5, 0],
    fake_flips: [0.9, 0.3, 0.29],
  };
  // 1 − 0.1 − 0.2·u for real, 0.05 + 0.2·u for fake; flipped where the number is below 0.3
  const targets = { real: [1 - 0.8, 0.9, 0.85], fake: [0.2, 0.15, 1 - 0.05] };
  const mean = (side: 'real' | 'fake'): number =>
    x[side].reduce((sum, logit, i) => sum + Math.log1p(Math.exp(logit)) - (targets[side][i] ?? NaN) * logit, 0) / 3;
  const column = (values: number[]): tf.Tensor => tf.tensor(values, [3, 1]);
  const got = tf.tidy(() =>
    smoothed(losses['non-saturating'], {
      real: 0.1,
      fake: 0.05,
      noise: 0.2,
      flips: tf.scalar(0.3),
      uniform: (name) => column(numbers[name] ?? []),
    })
      .discriminator(logits(column(x.real)), logits(column(x.fake)))
      .dataSync(),
  );
  expect(got).toBeAllclose([mean('real') + mean('fake')], { rtol: 1e-6 });
  expect(() => smoothed(losses.hinge, { flips: 0.1 })).toRefuse('config.invalid', 'smoothing', "'hinge'");
  expect(() => smoothed(losses.saturating, { noise: 1 })).toThrow(
    'smoothing.noise: expected a number from 0 to below 1, got 1',
  );
});
