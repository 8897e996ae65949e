// forja mix: writes a style mixing table: styles of some seeds applied to the pictures of others.
import { resolve } from 'node:path';
import { mixTable, UsageError, type CliCommand } from '@forja/core';
import { pictureTarget } from './files.js';
import { loadOptions, type LoadArgs } from './load-args.js';
import { seedsOf } from './parse.js';
import {
  enlarged,
  LOAD_OPTIONS,
  LOWERING_OPTION,
  NOISE_OPTION,
  onDevice,
  paddingOption,
  SCALE_OPTION,
  writePictures,
} from './pictures.js';
import { labelOf, noiseOf, truncationOf } from '../sample-values.js';

interface Args extends LoadArgs {
  model: string;
  out: string;
  rows: string;
  columns: string;
  from?: number;
  label?: string;
  truncation?: string;
  noise?: string;
  padding?: number;
  scale?: number;
}

/** The command. */
export const mix: CliCommand = {
  name: 'mix',
  summary: 'a table of pictures with the styles of others (StyleGAN2)',
  arguments: [{ name: 'model', description: 'ONNX file of a generator that mixes styles', required: true }],
  options: [
    { flags: '-o, --out <path>', description: 'a .png', type: 'path', default: 'mix.png' },
    { flags: '--rows <seeds>', description: 'seeds whose pictures are restyled, such as 0-3,9', default: '0-3' },
    { flags: '--columns <seeds>', description: 'seeds whose styles are taken', default: '10-15' },
    {
      flags: '--from <layer>',
      description: 'first layer that a column styles: 0 all, high numbers colours only; default: the middle one',
      type: 'integer',
      range: [0, 100],
    },
    { flags: '--label <class>', description: 'name of a class, or its number, for models that have them' },
    { flags: '--truncation <t>', description: 'truncation of all pictures: ±t, or psi:0.7' },
    NOISE_OPTION,
    paddingOption('the pictures'),
    SCALE_OPTION,
    ...LOAD_OPTIONS,
    LOWERING_OPTION,
  ],
  examples: [
    'forja mix runs/faces/generator.onnx --rows 0-3 --columns 10-15',
    'forja mix runs/faces/generator.onnx -o colours.png --from 6 --truncation psi:0.7 --scale 2',
  ],
  async run(raw, io) {
    const args = raw as unknown as Args; // `Args` has the options above
    const { padding, scale = 1 } = args;
    const label = args.label === undefined ? undefined : labelOf('mix --label', args.label);
    const truncation = args.truncation === undefined ? undefined : truncationOf('mix --truncation', args.truncation);
    const noise = args.noise === undefined ? undefined : noiseOf('mix --noise', args.noise);
    const [rows, columns] = [seedsOf('mix --rows', args.rows), seedsOf('mix --columns', args.columns)];
    const { path } = await pictureTarget('mix --out', io.cwd, args.out, ['png'], false);
    const { load } = await import('../index.js');
    const generator = await load(resolve(io.cwd, args.model), loadOptions(args, io));
    try {
      const layers = generator.manifest.inputs.find(({ role }) => role === 'layer')?.range?.[1];
      if (layers === undefined)
        throw new UsageError(
          'mix: expected a model that mixes styles, such as one of forja train stylegan, got one that does not',
        );
      const { from = Math.floor(layers / 2) } = args;
      const batch = await mixTable(generator, {
        rows,
        columns,
        from,
        signal: io.signal,
        ...(label === undefined ? {} : { label }),
        ...(truncation === undefined ? {} : { truncation }),
        ...(noise === undefined ? {} : { noise }),
      });
      const files = await writePictures(enlarged('mix --scale', batch, scale), path, 'png', {
        columns: columns.length + 1,
        grid: { background: 255, ...(padding === undefined ? {} : { padding }) },
        io,
      });
      io.print(
        `${rows.length} × ${columns.length} pictures, styles of the columns from layer ${from} of ` +
          `${layers} on, in ${path} (on ${onDevice(generator.device)})`,
      );
      return {
        files,
        rows: rows.map(String),
        columns: columns.map(String),
        from,
        layers,
        width: batch.width,
        height: batch.height,
        channels: batch.channels,
        device: generator.device,
      };
    } finally {
      await generator.dispose();
    }
  },
};
