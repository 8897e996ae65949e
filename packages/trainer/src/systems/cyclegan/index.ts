// CycleGAN (Zhu et al. 2017): two unpaired sets of pictures, a generator in each direction, and a cycle loss:
// translated there and back, a picture should be the same.
import * as v from 'valibot';
import { UsageError } from '@forja/core';
import type { FieldSpec } from '../../data/dataset.js';
import { dcganDeviation } from '../../models/initialise.js';
import { patchDiscriminator } from '../../models/patch.js';
import { translator } from '../../models/translator.js';
import { atLeast, described, whole } from '../entries.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { playerOptions } from '../two-player/options.js';
import { game } from './game.js';

const { rates, schedule, beta1, beta2, ema, emaWarmup, emaStatistics } = playerOptions({
  rates: { g: 2e-4, d: 2e-4 },
  latent: 1,
});

/** Options of CycleGAN, as schema entries. */
export const cycleganOptions = {
  base: described(v.optional(whole(1, 4096), 32), "channels of the generators' first map"),
  baseD: described(v.optional(whole(1, 4096)), "channels of the discriminators' first map; default: base"),
  blocks: described(v.optional(whole(0, 64), 6), 'residual blocks of a generator'),
  depthD: described(
    v.optional(whole(1, 6), 2),
    'how many times a discriminator halves the picture: 3 sees patches of 70 pixels, 2 of 34, 1 of 16',
  ),
  norm: described(
    v.optional(v.picklist(['instance', 'batch', 'none']), 'instance'),
    'normalisation between convolutions',
  ),
  up: described(
    v.optional(v.picklist(['resize', 'transposed']), 'resize'),
    'how a generator enlarges; transposed convolutions leave a grid',
  ),
  cycle: described(
    v.optional(atLeast(0), 10),
    'weight of the cycle consistency: a picture translated to the other domain and back stays the same',
  ),
  identity: described(
    v.optional(atLeast(0), 5),
    'weight of the identity: a picture that is already in the target domain stays the same',
  ),
  pool: described(v.optional(whole(1, 100_000), 50), 'earlier pictures that a discriminator is shown again'),
  rates,
  schedule,
  beta1,
  beta2,
  ema,
  emaWarmup,
  emaStatistics,
};

/** `forja train cyclegan`: two sets of pictures, fields `a` and `b`, drawn independently. */
export const cycleganKind = systemKind({
  name: 'cyclegan',
  summary: 'pictures from one domain to another and back, without pairs (CycleGAN)',
  options: cycleganOptions,
  leastBatch: 1, // instance norm allows it, and the paper uses it
  defaults: { batch: 4, sampleCount: 16 },
  data: { a: 'image', b: 'image' },
  roles: ['g_ab', 'g_ba', 'd_a', 'd_b'],
  fit: (options, { fields, name }) => {
    const [a, b] = [fields['a']?.shape ?? [], fields['b']?.shape ?? []];
    if (a[0] !== b[0] || a[1] !== b[1])
      throw new UsageError(
        `config.data: expected pictures of one size in both sets for the system 'cyclegan', got ${a.slice(0, 2).join(' × ')} and ${b.slice(0, 2).join(' × ')} from ${name}`,
        { code: 'config.invalid' },
      );
    if (options.identity > 0 && a[2] !== b[2])
      throw new UsageError(
        `cyclegan.identity: expected 0, as the pictures have ${a[2]} and ${b[2]} channels, so that a generator ` +
          `cannot take its own output, got ${options.identity}`,
        { code: 'config.invalid' },
      );
    return options;
  },
  make(options, at) {
    const fields = at.data.fields as Readonly<Record<'a' | 'b', FieldSpec>>; // `data` requires them
    const [height = 0, width = 0] = fields.a.shape;
    const channels = { a: fields.a.shape[2] ?? 1, b: fields.b.shape[2] ?? 1 };
    const { base, baseD = base, blocks, depthD, norm, up } = options;
    const size = [height, width] as const;
    const forger = (from: 'a' | 'b', to: 'a' | 'b') =>
      networkOf(
        at,
        `g_${from}${to}`,
        () =>
          translator({
            size,
            open: true,
            input: channels[from],
            output: channels[to],
            base,
            blocks,
            norm,
            up,
            name: `g_${from}${to}`,
          }),
        dcganDeviation,
      );
    const judge = (of: 'a' | 'b') =>
      networkOf(
        at,
        `d_${of}`,
        () => patchDiscriminator({ size, channels: channels[of], base: baseD, depth: depthD, norm, name: `d_${of}` }),
        dcganDeviation,
      );
    const networks = { g_ab: forger('a', 'b'), g_ba: forger('b', 'a'), d_a: judge('a'), d_b: judge('b') };
    return game(networks, fields, options, at);
  },
});
