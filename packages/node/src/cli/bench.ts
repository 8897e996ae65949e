// forja bench: measures how fast a generator samples on this machine, and explains the choice of convolution
// algorithms.
import { basename, resolve } from 'node:path';
import {
  ForjaError,
  LARGE,
  someClass,
  UsageError,
  type CliCommand,
  type CliIo,
  type DeviceReport,
  type Generator,
} from '@forja/core';
import { decodeModel, explainConvolutions, type ConvolutionPrices } from '@forja/core/onnx';
import { readModelFile } from './files.js';
import { loadOptions, type LoadArgs } from './load-args.js';
import { LOAD_OPTIONS, onDevice } from './pictures.js';

interface Args extends LoadArgs {
  model: string;
  batch: string[];
  seconds: number;
  lowering: 'auto' | 'portable';
  deterministic?: boolean;
  explain?: boolean;
}

/** Times at one batch size, in milliseconds per call. */
interface Timing {
  batch: number;
  calls: number;
  median: number;
  min: number;
  p95: number;
  imagesPerSecond: number;
}

/** What `--json` prints. */
interface Findings {
  file: string;
  device: DeviceReport;
  /** Milliseconds from `load` to the first picture. */
  loadMs: number;
  firstMs: number;
  timings: Timing[];
  convolutions?: ConvolutionPrices[];
}

const MAX_SECONDS = 600;
const MAX_BATCH = 4096;

/** The command. */
export const bench: CliCommand = {
  name: 'bench',
  summary: 'measure how fast a generator samples on this machine',
  arguments: [{ name: 'model', description: 'ONNX file of a generator', required: true }],
  options: [
    { flags: '--batch <list>', description: 'pictures per call, as in 1,16,64', type: 'list', default: '1,16,64' },
    { flags: '--seconds <n>', description: 'seconds to measure each batch size', type: 'number', default: 2 },
    {
      flags: '--lowering <name>',
      description: 'auto: convolutions by the algorithm with the lowest estimated cost; portable: as in the file',
      default: 'auto',
      choices: ['auto', 'portable'],
    },
    { flags: '--deterministic', description: 'use one form of the model for every batch size, as other commands do' },
    { flags: '--explain', description: 'print the estimated costs by which the algorithms were chosen' },
    ...LOAD_OPTIONS,
  ],
  examples: [
    'forja bench generator.onnx',
    'forja bench generator.onnx --batch 1 --seconds 5 --lowering portable',
    'forja bench generator.onnx --explain',
  ],
  async run(raw, io): Promise<Findings> {
    const args = raw as unknown as Args; // `Args` has the options above
    const batches = [args.batch]
      .flat()
      .flatMap((text) => String(text).split(','))
      .map(batchOf);
    if (!(args.seconds > 0 && args.seconds <= MAX_SECONDS))
      throw new UsageError(`bench --seconds: expected a number above 0, at most ${MAX_SECONDS}, got ${args.seconds}`, {
        code: 'input.range',
      });
    const file = resolve(io.cwd, args.model);
    const begun = performance.now();
    const { load } = await import('../index.js');
    const options = { ...loadOptions(args, io), lowering: args.lowering, deterministic: args.deterministic ?? false };
    let generator = await load(file, options);
    try {
      const loaded = performance.now();
      await generator.sample({ count: 1, seed: 0, signal: io.signal, ...someClass(generator.manifest) });
      const first = performance.now();
      io.print(
        `${basename(file)} on ${onDevice(generator.device)}: loaded in ${round(loaded - begun)} ms, first ` +
          `picture ${round(first - loaded)} ms later`,
      );
      // Large batches are measured only after the model's form for them is prepared.
      if (batches.some((batch) => batch >= LARGE)) {
        await generator.dispose();
        generator = await load(file, { ...options, warmup: batches });
      }
      const timings: Timing[] = [];
      for (const batch of batches) {
        const timing = await timed(generator, batch, args.seconds, io);
        timings.push(timing);
        io.print(
          `${String(batch).padStart(5)} per call: ${round(timing.median)} ms (minimum ${round(timing.min)}, 95 % ` +
            `below ${round(timing.p95)}), ${Math.round(timing.imagesPerSecond)} images/s`,
        );
      }
      const found: Findings = {
        file,
        device: generator.device,
        loadMs: loaded - begun,
        firstMs: first - loaded,
        timings,
      };
      if (args.explain !== true) return found;
      const convolutions = explainConvolutions(decodeModel(await readModelFile('bench', file)));
      explain(convolutions, generator.device, io);
      return { ...found, convolutions };
    } finally {
      await generator.dispose();
    }
  },
};

function batchOf(text: string): number {
  const batch = Number(text);
  if (!Number.isInteger(batch) || batch < 1 || batch > MAX_BATCH)
    throw new UsageError(`bench --batch: expected whole numbers from 1 to ${MAX_BATCH}, got '${text}'`, {
      code: 'input.range',
    });
  return batch;
}

/** Times calls of `sample`, after two warm-up calls. */
async function timed(generator: Generator, batch: number, seconds: number, io: CliIo): Promise<Timing> {
  const times: number[] = [];
  let seed = 0;
  const once = async (): Promise<number> => {
    if (io.signal.aborted) throw new ForjaError('aborted', `interrupted after ${times.length} calls`);
    const start = performance.now();
    await generator.sample({ count: batch, seed: seed++, signal: io.signal, ...someClass(generator.manifest) });
    return performance.now() - start;
  };
  for (let i = 0; i < 2; i++) await once();
  const end = performance.now() + 1000 * seconds;
  do times.push(await once());
  while (performance.now() < end);
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  const median = at(0.5);
  return { batch, calls: times.length, median, min: at(0), p95: at(0.95), imagesPerSecond: (1000 * batch) / median };
}

function explain(
  convolutions: readonly ConvolutionPrices[],
  { convolutions: taken = {} }: DeviceReport,
  io: CliIo,
): void {
  io.print();
  io.print(
    convolutions.length === 0
      ? 'no convolution of this file has an alternative algorithm'
      : 'estimated costs, in millions of multiply-adds of a large matrix product; * marks the algorithm that runs',
  );
  for (const { node, what, batches, prices } of convolutions) {
    io.print(`${node}: ${what}; batch ${batches.join(', ')}`);
    const runs = taken[node] ?? 'portable';
    for (const [name, numbers] of Object.entries(prices))
      io.print(
        `  ${name === runs ? '*' : ' '} ${name.padEnd(28)} ${numbers.map((n) => n.toFixed(1).padStart(8)).join(' ')}`,
      );
  }
}

const round = (ms: number): string => (ms < 10 ? ms.toFixed(2) : ms.toFixed(0));
