// CycleGAN (Zhu et al. 2017): two unpaired sets of pictures, a generator in each direction, and a cycle loss:
// translated there and back, a picture should be the same.
import { UsageError } from '@forja/core';
import type { FieldSpec } from '../../data/dataset.js';
import { dcganDeviation } from '../../models/initialise.js';
import { patchDiscriminator, patchSize } from '../../models/patch.js';
import { translator } from '../../models/translator.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { game } from './game.js';
import { cycleganOptions } from './options.js';

/** `forja train cyclegan`: two sets of pictures, fields `a` and `b`, drawn independently. */
export const cycleganKind = systemKind({
  name: 'cyclegan',
  summary: 'pictures from one domain to another and back, without pairs (CycleGAN)',
  options: cycleganOptions,
  leastBatch: 1, // instance norm allows it, and the paper uses it
  defaults: { steps: 3000, batch: 4, sampleCount: 16 },
  earlier: ({ base, norm }) => ({ baseD: base, normD: norm, padding: 'zeros', paddingD: 'zeros', skip: 'off' }),
  data: { a: 'image', b: 'image' },
  signed: true,
  roles: ['g_ab', 'g_ba', 'd_a', 'd_b'],
  fit: (options, { fields, name }) => {
    const [a, b] = [fields['a']?.shape ?? [], fields['b']?.shape ?? []];
    if (a[0] !== b[0] || a[1] !== b[1])
      throw new UsageError(
        "config.data: expected pictures of one size in both sets for the system 'cyclegan', got " +
          `${a.slice(0, 2).join(' × ')} and ${b.slice(0, 2).join(' × ')} from ${name}`,
        { code: 'config.invalid' },
      );
    if (options.identity > 0 && a[2] !== b[2])
      throw new UsageError(
        `cyclegan.identity: expected 0, as the pictures have ${a[2]} and ${b[2]} channels, so that a generator ` +
          `cannot take its own output, got ${options.identity}`,
        { code: 'config.invalid' },
      );
    const edge = Math.min(...a.slice(0, 2), ...b.slice(0, 2));
    const { depthD = patchSize(2) <= edge ? 2 : 1 } = options;
    const paddingD = options.paddingD === 'auto' ? (patchSize(depthD) <= edge ? 'none' : 'zeros') : options.paddingD;
    const skip = options.skip === 'auto' ? (a[2] === b[2] ? 'on' : 'off') : options.skip;
    return { ...options, baseD: options.baseD ?? 2 * options.base, depthD, paddingD, skip };
  },
  make(options, at) {
    const fields = at.data.fields as Readonly<Record<'a' | 'b', FieldSpec>>; // `data` requires them
    const [height = 0, width = 0] = fields.a.shape;
    const channels = { a: fields.a.shape[2] ?? 1, b: fields.b.shape[2] ?? 1 };
    const { base, baseD = base, blocks, depthD = 1, norm, normD, padding, up } = options; // baseD, depthD: set by fit
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
            padding,
            skip: options.skip === 'on',
            up,
            name: `g_${from}${to}`,
          }),
        dcganDeviation,
      );
    const judge = (of: 'a' | 'b') =>
      networkOf(
        at,
        `d_${of}`,
        () =>
          patchDiscriminator({
            size,
            channels: channels[of],
            base: baseD,
            depth: depthD,
            norm: normD === 'spectral' ? 'none' : normD,
            spectral: normD === 'spectral',
            padding: options.paddingD === 'none' ? 'none' : 'zeros',
            name: `d_${of}`,
          }),
        dcganDeviation,
      );
    const networks = { g_ab: forger('a', 'b'), g_ba: forger('b', 'a'), d_a: judge('a'), d_b: judge('b') };
    return game(networks, fields, options, at);
  },
});
