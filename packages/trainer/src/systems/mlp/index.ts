// Two multi-layer perceptrons, for points and other vectors: the smallest system, without convolutions.
import * as v from 'valibot';
import type { FieldSpec } from '../../data/dataset.js';
import { heDeviation } from '../../models/initialise.js';
import { mlp } from '../../models/mlp.js';
import { described, whole } from '../entries.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { playerOptions } from '../two-player/options.js';
import { checkAugment } from '../two-player/augment.js';
import { checkPack } from '../two-player/seen.js';
import { twoPlayer } from '../two-player/game.js';
import { checkPictures, checkPlayers } from '../two-player/penalties.js';

/** `forja train mlp`. Weights are drawn from N(0, 2 / fan-in) and depend on the seed alone. */
export const mlpKind = systemKind({
  name: 'mlp',
  summary: 'points and other vectors by dense layers',
  options: {
    base: described(v.optional(whole(1, 4096), 128), "units of the generator's two hidden layers"),
    baseD: described(v.optional(whole(1, 4096)), "units of the discriminator's two hidden layers; default: base"),
    activation: described(
      v.optional(v.picklist(['relu', 'tanh', 'elu', 'selu', 'softplus']), 'relu'),
      'activation between layers',
    ),
    ...playerOptions({ rates: { g: 1e-3, d: 1e-3 }, latent: 2 }),
  },
  data: { vector: 'vector' },
  roles: ['g', 'd'],
  fit: (options, { fields, name }) => {
    checkPlayers(options);
    checkAugment(options, fields['vector'], name);
    checkPictures(options, fields['vector'], name);
    return options;
  },
  make(options, at) {
    checkPack(options, at.batch);
    const example = at.data.fields['vector'] as FieldSpec; // `data` requires it
    const [size = 1] = example.shape;
    const { base, baseD = base, latent, activation } = options;
    const layers = (name: string, input: number, units: number, output: number) => () =>
      mlp({ input, hidden: [units, units], output, activation, name });
    return twoPlayer(
      {
        name: 'mlp',
        g: networkOf(at, 'g', layers('g', latent, base, size), heDeviation, options.init),
        d: networkOf(at, 'd', layers('d', size * options.pack, baseD, 1), heDeviation, options.init),
        field: 'vector',
        example,
        output: { name: 'points', role: 'tensor' },
      },
      options,
      at,
    );
  },
});
