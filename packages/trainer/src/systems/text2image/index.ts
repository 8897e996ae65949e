// Text to picture (Reed et al. 2016): the discriminator also sees real pictures with wrong captions, and a lazy R1
// penalty keeps it smooth (Mescheder et al. 2018).
import { UsageError } from '@forja/core';
import type { FieldSpec } from '../../data/dataset.js';
import { dcganDeviation } from '../../models/initialise.js';
import { systemKind } from '../kind.js';
import { networkOf } from '../network.js';
import { pictureSizeOf } from '../picture-size.js';
import { game } from './game.js';
import { textDiscriminator, textGenerator } from './networks.js';
import { text2imageOptions } from './options.js';

/**
 * `forja train text2image`: pictures and captions, fields `image` and `text`. Each network learns its own text encoder,
 * so that G's file needs no part of D.
 */
export const text2imageKind = systemKind({
  name: 'text2image',
  summary: 'pictures from a caption (matching-aware GAN)',
  options: text2imageOptions,
  defaults: { batch: 64, sampleCount: 64 },
  data: { image: 'image', text: 'text' },
  signed: true,
  roles: ['g', 'd'],
  fit: (options, { fields, name }) => {
    pictureSizeOf('text2image', fields['image'], name);
    if ((fields['text']?.vocabulary?.length ?? 0) < 2)
      throw new UsageError(`config.data: expected captions with a vocabulary, got none from ${name}`, {
        code: 'config.invalid',
      });
    return options;
  },
  make(options, at) {
    const fields = at.data.fields as Readonly<Record<'image' | 'text', FieldSpec>>; // `data` requires them
    if (at.batch < 2)
      throw new UsageError(
        'config.batch: expected at least 2, because wrong captions are taken from other examples of the batch, ' +
          `got ${at.batch}`,
        { code: 'config.invalid' },
      );
    const { base, baseD = base, embedding, wordOrder, captionIn, norm } = options;
    const { size, channels } = pictureSizeOf('text2image', fields.image, at.data.name);
    const { shape, vocabulary = [] } = fields.text;
    const sizes = { size, channels, length: shape[0] ?? 1, words: vocabulary.length, embedding, wordOrder };
    const made = {
      g: () => textGenerator({ ...sizes, base, latent: options.latent, captionIn }),
      d: () => textDiscriminator({ ...sizes, base: baseD, norm }),
    };
    const networks = {
      g: networkOf(at, 'g', made.g, dcganDeviation),
      d: networkOf(at, 'd', made.d, dcganDeviation),
    };
    return game(networks, fields, options, at);
  },
});
