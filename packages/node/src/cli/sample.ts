// forja sample: writes pictures of a seed.
import { resolve } from 'node:path';
import { UsageError, type CliCommand } from '@forja/core';
import { pictureTarget } from './files.js';
import { loadOptions, type LoadArgs } from './load-args.js';
import { labelOf, mixOf, seedOf, truncationOf } from './parse.js';
import { LOAD_OPTIONS, LOWERING_OPTION, onDevice, writePictures } from './pictures.js';

interface Args extends LoadArgs {
  model: string;
  out: string;
  count: number;
  seed: string;
  label?: string;
  text?: string[];
  truncation?: string;
  psi?: number;
  mix?: string;
  grid?: boolean;
  columns?: number;
  padding?: number;
  delay?: number;
}

/** The command. */
export const sample: CliCommand = {
  name: 'sample',
  summary: 'draw pictures from a generator',
  arguments: [{ name: 'model', description: 'ONNX file of a generator', required: true }],
  options: [
    {
      flags: '-o, --out <path>',
      description: 'a .png (grid), .gif, .apng, or a folder for one PNG each',
      type: 'path',
      default: 'samples.png',
    },
    { flags: '-n, --count <n>', description: 'pictures', type: 'integer', default: 16 },
    { flags: '-s, --seed <n>', description: 'picture i of a seed is the same on every machine', default: '0' },
    { flags: '--label <class>', description: 'number or name of a class, for models that have them' },
    {
      flags: '--text <words>',
      description: 'what the pictures show, for models that take a text; given more than once: in turn',
      type: 'list',
    },
    { flags: '--truncation <t>', description: 'draw latent entries beyond ±t again; psi:0.7 scales them instead' },
    {
      flags: '--psi <n>',
      description: 'the same as --truncation psi:<n>: styles towards their mean, 1 as they are',
      type: 'number',
    },
    {
      flags: '--mix <seed:layer>',
      description: 'styles of another seed from a layer on, such as 7:4, for models that mix',
    },
    { flags: '--grid', description: 'all pictures in one PNG (what .png means; refused for other formats)' },
    { flags: '--columns <n>', description: 'pictures in a row of the grid; default: a square', type: 'integer' },
    { flags: '--padding <px>', description: 'pixels between the pictures of the grid', type: 'integer' },
    { flags: '--delay <ms>', description: 'milliseconds of a frame in .gif and .apng; default 50', type: 'integer' },
    ...LOAD_OPTIONS,
    LOWERING_OPTION,
  ],
  examples: [
    'forja sample generator.onnx',
    'forja sample generator.onnx -o digits.png --count 64 --seed 7 --truncation 1.5',
    'forja sample generator.onnx -o pictures/ --count 500 --label 3',
    "forja sample generator.onnx --text 'red hair, glasses'",
    'forja sample generator.onnx -o mixed.png --psi 0.7 --mix 7:4',
  ],
  async run(raw, io) {
    const args = raw as unknown as Args; // the options above
    const { count, label, text, columns, padding, delay } = args;
    const seed = seedOf('sample --seed', args.seed);
    if (args.psi !== undefined && args.truncation !== undefined)
      throw new UsageError('sample --psi: expected no --truncation beside it, got both');
    const psi = args.psi === undefined ? undefined : { psi: args.psi };
    const truncation = args.truncation === undefined ? psi : truncationOf('sample --truncation', args.truncation);
    const mix = args.mix === undefined ? undefined : mixOf('sample --mix', args.mix);
    const { path, format } = await pictureTarget('sample --out', io.cwd, args.out);
    const gridOnly = (
      [
        ['grid', args.grid],
        ['columns', columns],
        ['padding', padding],
      ] as const
    ).find(([, value]) => value !== undefined);
    if (gridOnly && format !== 'png')
      throw new UsageError(`sample --${gridOnly[0]}: expected a .png to write, got '${args.out}'`);
    if (delay !== undefined && format !== 'gif' && format !== 'apng')
      throw new UsageError(`sample --delay: expected a .gif or .apng to write, got '${args.out}'`);
    const { load } = await import('../index.js');
    const generator = await load(resolve(io.cwd, args.model), loadOptions(args, io));
    try {
      const begun = performance.now();
      const batch = await generator.sample({
        count,
        seed,
        signal: io.signal,
        ...(truncation === undefined ? {} : { truncation }),
        ...(label === undefined ? {} : { label: labelOf(label) }),
        ...(text === undefined ? {} : { text }),
        ...(mix === undefined ? {} : { mix }),
      });
      const imagesPerSecond = Math.round((1000 * count) / (performance.now() - begun));
      const files = await writePictures(batch, path, format, {
        columns,
        ...(padding === undefined ? {} : { grid: { padding } }),
        ...(delay === undefined ? {} : { animation: { delayMs: delay } }),
        io,
      });
      io.print(
        `${count} picture${count === 1 ? '' : 's'} of ${batch.width} × ${batch.height}, seed ${seed}, in ${format === 'folder' ? path : files[0]}`,
      );
      io.print(`${imagesPerSecond} images/s on ${onDevice(generator.device)}`);
      return {
        files,
        count,
        width: batch.width,
        height: batch.height,
        channels: batch.channels,
        seed: String(seed),
        imagesPerSecond,
        device: generator.device,
      };
    } finally {
      await generator.dispose();
    }
  },
};
