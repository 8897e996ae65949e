// forja sample: writes pictures of a seed.
import { resolve } from 'node:path';
import {
  ImageBatch,
  psiTable,
  seedTable,
  UsageError,
  type CliCommand,
  type CliIo,
  type Generator,
  type Image,
  type SampleOptions,
  type StreamOptions,
} from '@forja/core';
import { pictureTarget } from './files.js';
import { loadOptions, type LoadArgs } from './load-args.js';
import { endsOf, seedsOf } from './parse.js';
import {
  DELAY_OPTION,
  enlarged,
  LOAD_OPTIONS,
  LOWERING_OPTION,
  NOISE_OPTION,
  onDevice,
  paddingOption,
  SCALE_OPTION,
  writeFolder,
  writePictures,
} from './pictures.js';
import { labelOf, mixOf, noiseOf, seedOf, truncationOf } from '../sample-values.js';

interface Args extends LoadArgs {
  model: string;
  out: string;
  count?: number;
  seed?: string;
  seeds?: string;
  label?: string;
  text?: string[];
  truncation?: string;
  psi?: string;
  steps?: number;
  mix?: string;
  noise?: string;
  grid?: boolean;
  columns?: number;
  padding?: number;
  delay?: number;
  scale?: number;
}

/** Default number of values of ψ in a sweep: the pictures of a row. */
const SWEEP = 8;

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
    { flags: '-n, --count <n>', description: 'pictures; default 16', type: 'integer', range: [1, 10_000_000] },
    { flags: '-s, --seed <n>', description: 'picture i of a seed is the same on every machine; default 0' },
    { flags: '--seeds <list>', description: 'the first picture of each of several seeds instead, such as 0-15,20' },
    { flags: '--label <class>', description: 'name of a class, or its number, for models that have them' },
    {
      flags: '--text <words>',
      description: 'text of the pictures, for models that take one; repeated: used in turn',
      type: 'list',
    },
    {
      flags: '--truncation <t>',
      description: 'redraw latent entries beyond ±t; psi:0.7 instead scales all of them (or the styles) to their mean',
    },
    {
      flags: '--psi <n>',
      description:
        'the same as --truncation psi:<n>: scales styles (or latents, in models without styles) towards their mean, ' +
        '1: unchanged; 0.3..1: a sweep, one row per seed',
    },
    {
      flags: '--steps <n>',
      description: 'pictures per row of --psi 0.3..1; default 8',
      type: 'integer',
      range: [2, 1000],
    },
    {
      flags: '--mix <seed:layer>',
      description: 'styles of another seed from a layer on, such as 7:4, for models that mix styles',
    },
    NOISE_OPTION,
    { flags: '--grid', description: 'all pictures in one PNG (the default for .png; refused for other formats)' },
    {
      flags: '--columns <n>',
      description: 'pictures per row of the grid; default: nearly square',
      type: 'integer',
      range: [1, 1e6],
    },
    paddingOption('the pictures of the grid'),
    DELAY_OPTION,
    SCALE_OPTION,
    ...LOAD_OPTIONS,
    LOWERING_OPTION,
  ],
  examples: [
    'forja sample generator.onnx',
    'forja sample generator.onnx -o digits.png --count 64 --seed 7 --truncation 1.5',
    'forja sample generator.onnx -o pictures/ --count 500 --label 3',
    "forja sample generator.onnx --text 'red hair, glasses'",
    'forja sample generator.onnx -o mixed.png --psi 0.7 --mix 7:4',
    'forja sample generator.onnx -o sweep.png --seeds 0-5 --psi 0.3..1 --steps 8',
  ],
  async run(raw, io) {
    const args = raw as unknown as Args; // `Args` has the options above
    const { text, columns, padding, delay, scale = 1 } = args;
    const label = args.label === undefined ? undefined : labelOf('sample --label', args.label);
    const seeds = args.seeds === undefined ? undefined : seedsOf('sample --seeds', args.seeds);
    const swept = sweepOf(args);
    if (seeds && (args.seed ?? args.count) !== undefined)
      throw new UsageError(
        'sample --seeds: expected no --seed and --count with it, because it gives one picture per seed',
      );
    const seed = seedOf('sample --seed', args.seed ?? '0');
    if (args.psi !== undefined && args.truncation !== undefined)
      throw new UsageError('sample --psi: expected no --truncation with it, got both');
    const psi = args.psi === undefined || swept ? undefined : { psi: endsOf('sample --psi', args.psi).from };
    const truncation = args.truncation === undefined ? psi : truncationOf('sample --truncation', args.truncation);
    const mix = args.mix === undefined ? undefined : mixOf('sample --mix', args.mix);
    const noise = args.noise === undefined ? undefined : noiseOf('sample --noise', args.noise);
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
      const shared = {
        signal: io.signal,
        ...(truncation === undefined ? {} : { truncation }),
        ...(label === undefined ? {} : { label }),
        ...(text === undefined ? {} : { text }),
        ...(mix === undefined ? {} : { mix }),
        ...(noise === undefined ? {} : { noise }),
      };
      const asked = { seeds, seed, count: args.count ?? 16, psi: swept };
      const { files, imagesPerSecond, ...made } =
        format === 'folder' && !seeds && !swept
          ? await streamed(generator, { ...shared, seed, count: asked.count }, path, { scale, io })
          : await whole();
      const { count, width, height } = made;
      io.print(
        `${count} picture${count === 1 ? '' : 's'} of ${width} × ${height}, seed ` +
          `${args.seeds ?? seed}, in ${format === 'folder' ? path : files[0]}`,
      );
      io.print(`${imagesPerSecond} images/s on ${onDevice(generator.device)}`);
      return {
        files,
        ...made,
        ...(seeds ? { seeds: seeds.map(String) } : { seed: String(seed) }),
        imagesPerSecond,
        device: generator.device,
      };

      async function whole(): Promise<Made> {
        const batch = await drawn(generator, asked, shared);
        const { count, width, height, channels } = batch;
        const imagesPerSecond = Math.round((1000 * count) / (performance.now() - begun));
        const files = await writePictures(enlarged('sample --scale', batch, scale), path, format, {
          columns: columns ?? swept?.length,
          ...(padding === undefined ? {} : { grid: { padding } }),
          ...(delay === undefined ? {} : { animation: { delayMs: delay } }),
          io,
        });
        return { files, count, width, height, channels, imagesPerSecond };
      }
    } finally {
      await generator.dispose();
    }
  },
};

/** What was drawn and written; width and height are those of one picture. */
interface Made {
  files: string[];
  count: number;
  width: number;
  height: number;
  channels: number;
  imagesPerSecond: number;
}

/** Draws pictures and writes each as a PNG when it is ready, so that only a few are in memory at a time. */
async function streamed(
  generator: Generator,
  options: StreamOptions & { count: number },
  path: string,
  { scale, io }: { scale: number; io: CliIo },
): Promise<Made> {
  const begun = performance.now();
  let size = { width: 0, height: 0, channels: 0 };
  const pictures = async function* (): AsyncGenerator<Image> {
    for await (const image of generator.stream(options)) {
      const { width, height, channels, data } = image;
      size = { width, height, channels };
      yield scale === 1
        ? image
        : enlarged('sample --scale', new ImageBatch(1, width, height, channels, data), scale).at(0);
    }
  };
  const files = await writeFolder(pictures(), options.count, path, io);
  const imagesPerSecond = Math.round((1000 * files.length) / (performance.now() - begun));
  return { files, count: files.length, ...size, imagesPerSecond };
}

/** The values of ψ of a sweep, `--psi 0.3..1`. */
function sweepOf({ psi, steps }: Args): number[] | undefined {
  const ends = psi === undefined ? undefined : endsOf('sample --psi', psi);
  if (ends?.to === undefined) {
    if (steps !== undefined) throw new UsageError('sample --steps: expected a sweep with it, such as --psi 0.3..1');
    return undefined;
  }
  const [from, to] = [ends.from, ends.to];
  const count = steps ?? SWEEP;
  return Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
}

/** Pictures of one seed, of several seeds, or of each seed at several ψ. */
function drawn(
  generator: Generator,
  {
    seeds,
    seed,
    count,
    psi,
  }: { seeds: (number | bigint)[] | undefined; seed: number | bigint; count: number; psi: number[] | undefined },
  shared: Omit<SampleOptions, 'seed' | 'count'>,
): Promise<ImageBatch> {
  if (psi) return psiTable(generator, { ...shared, seeds: seeds ?? [seed], psi });
  return seeds ? seedTable(generator, { ...shared, seeds }) : generator.sample({ ...shared, seed, count });
}
