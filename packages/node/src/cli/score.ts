// forja score: prints a discriminator's scores of how real pictures are.
import { resolve } from 'node:path';
import type { CliCommand } from '@forja/core';
import { loadOptions, type LoadArgs } from './load-args.js';
import { LOAD_OPTIONS, LOWERING_OPTION } from './pictures.js';
import { readPicture } from './read-picture.js';
import { onWhite } from '../files/on-white.js';
import { labelOf } from '../sample-values.js';

interface Args extends LoadArgs {
  model: string;
  pictures?: string[];
  label?: string[];
  text?: string[];
}

/** The command. */
export const score: CliCommand = {
  name: 'score',
  summary: 'score how real pictures look to a discriminator',
  arguments: [
    { name: 'model', description: 'ONNX file of a discriminator (forja train --export-discriminator)', required: true },
    {
      name: 'pictures',
      description: 'picture files: PNG; JPEG, WebP and AVIF with the npm package sharp',
      required: true,
      variadic: true,
    },
  ],
  options: [
    {
      flags: '--label <class>',
      description: 'name of the class that pictures are judged for, or its number; repeated: one per picture',
      type: 'list',
    },
    {
      flags: '--text <words>',
      description: 'text that pictures are judged for; repeated: one per picture',
      type: 'list',
    },
    ...LOAD_OPTIONS,
    LOWERING_OPTION,
  ],
  examples: [
    'forja score runs/digits/discriminator.onnx drawn.png scanned.png',
    'forja score runs/digits/discriminator.onnx three.png --label 3 --json',
  ],
  async run(raw, io) {
    const args = raw as unknown as Args; // `Args` has the options above
    const { pictures = [], text } = args;
    const label = args.label?.map((one) => labelOf('score --label', one));
    const images = await Promise.all(pictures.map((path) => readPicture('score', path, io.cwd)));
    const { load } = await import('../index.js');
    const model = await load(resolve(io.cwd, args.model), loadOptions(args, io));
    try {
      const scores = await model.score(
        images.map((image) => onWhite(image, model.manifest)),
        {
          signal: io.signal,
          ...(label === undefined ? {} : { label }),
          ...(text === undefined ? {} : { text }),
        },
      );
      const probability = model.manifest.outputs.find(({ role }) => role === 'score')?.range !== undefined;
      pictures.forEach((path, i) => io.print(`${(scores[i] ?? NaN).toFixed(4)}  ${path}`));
      if (!probability) io.print('(not probabilities: scores only rank pictures, higher is more real)');
      return {
        scores: pictures.map((picture, i) => ({ picture, score: scores[i] })),
        probability,
        device: model.device,
      };
    } finally {
      await model.dispose();
    }
  },
};
