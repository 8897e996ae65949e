// The games of bench:step beside DCGAN: each is a system of Forja with options; torch/games.py has its twin of the same
// name. `fields`: the pictures that it reads. Lazy phases (StyleGAN2's R1 and path length) are left out.
const lazy = { penalties: {}, pathLength: { weight: 0 } };

export const GAMES = {
  sngan: { system: 'resnet', fields: ['image'] },
  'wgan-gp': { system: 'wgan-gp', fields: ['image'] },
  rpgan: { system: 'wgan-gp', fields: ['image'], more: { loss: 'rpgan', penalties: { r1: 0.1, r2: 0.1 }, dSteps: 1 } },
  pix2pix: { system: 'pix2pix', fields: ['input', 'target'] },
  stylegan: { system: 'stylegan', fields: ['image'], more: lazy },
};

/** The configuration of a game of the bench, and its data, as arguments of `makeSystem`. */
export function gameOf({ network, size, channels, base, batch, latent }) {
  const { system, fields, more = {} } = GAMES[network];
  const picture = { shape: [size, size, channels], dtype: 'float32', range: [-1, 1] };
  return [
    system,
    { base, ...(fields.includes('image') ? { latent } : {}), ...more },
    {
      batch,
      data: { name: 'bench', count: 8 * batch, fields: Object.fromEntries(fields.map((field) => [field, picture])) },
    },
  ];
}
