// forja convert: stores the large weights of any ONNX file in 8 bits or half precision, and compares the result with
// the original. Computation stays in float32.
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import {
  checkIntegrity,
  checkModelBytes,
  externalFiles,
  goldenFeeds,
  ModelFormatError,
  philoxUniform,
  psnr,
  readManifest,
  UsageError,
  type CliCommand,
  type DType,
  type Manifest,
  type NamedTensors,
  type Session,
  type Tensor,
} from '@forja/core';
import {
  DATA_TYPE,
  decodeModel,
  encodeModel,
  fromHalf,
  halfOf,
  internalizeModel,
  sealModel,
  storedMismatch,
  storeWeights,
  STORED_PSNR,
  WEIGHT_STORAGES,
  type Model,
  type StoredWeight,
  type WeightStorage,
} from '@forja/core/onnx';
import { readExternal } from '../files/read-file.js';
import { writeAside } from '../files/write-aside.js';
import { runtime as nodeRuntime } from '../runtime.js';
import { fileTarget, readModelFile } from './files.js';

interface Args {
  model: string;
  out?: string;
  weights: WeightStorage;
  least: number;
  psnr?: number;
  compare: boolean;
}

/** Number of random inputs on which both files are run. */
const DRAWS = 4;

/** The command. */
export const convert: CliCommand = {
  name: 'convert',
  summary: "store an ONNX file's weights in 8 bits or half precision",
  arguments: [{ name: 'model', description: 'any ONNX file with float32 weights', required: true }],
  options: [
    { flags: '-o, --out <file>', description: 'ONNX file to write; default <model>.<type>.onnx', type: 'path' },
    {
      flags: '--weights <type>',
      description: 'storage type of large weights; exact: smaller only where nothing is lost',
      choices: WEIGHT_STORAGES,
      default: 'int8',
    },
    {
      flags: '--least <n>',
      description: 'weights of fewer numbers stay float32',
      type: 'integer',
      default: 1024,
      range: [1, 2 ** 31],
    },
    {
      flags: '--psnr <dB>',
      description: 'lowest PSNR in dB of the outputs, compared with the given file; default 35 for 8 bits, 45 for fp16',
      type: 'number',
    },
    { flags: '--no-compare', description: 'do not run both files to compare them' },
  ],
  examples: ['forja convert generator.onnx --weights int8', 'forja convert net.onnx -o small.onnx --weights fp16'],
  async run(raw, io) {
    // the cast: `Args` has the options above
    const { model: given, out, weights: type, least, psnr: bound, compare } = raw as unknown as Args;
    const path = resolve(io.cwd, given);
    const target = await fileTarget('convert --out', io.cwd, out ?? `${given.replace(/\.onnx$/i, '')}.${type}.onnx`);
    const bytes = await readModelFile('convert', path);
    checkModelBytes(bytes, basename(path));
    const real = await realpath(target).catch(() => target);
    for (const read of [path, ...[...externalFiles(bytes).keys()].map((location) => resolve(dirname(path), location))])
      if (real === (await realpath(read).catch(() => read)))
        throw new UsageError(
          `convert --out: expected another file than ${read}, which would be overwritten; name a new one`,
        );
    const external = await readExternal(path, externalFiles(bytes), io.signal);
    const manifest = readManifest(bytes);
    const sha256 = (part: Uint8Array): Promise<string> =>
      Promise.resolve(createHash('sha256').update(part).digest('hex'));
    if (manifest) await checkIntegrity(bytes, manifest, sha256, external);
    const float = internalizeModel(decodeModel(bytes), external);
    const { model, weights } = storeWeights(float, { type, least });
    const decibels = compare
      ? await compared({ float, model, type, least, weights, manifest, bound: bound ?? STORED_PSNR[type] })
      : null;
    const written = manifest ? await sealModel(model, { ...manifest, weights: type }, sha256) : encodeModel(model);
    await writeAside(target, written);
    const before = bytes.length + [...external.values()].reduce((sum, { length }) => sum + length, 0);
    io.print(target);
    const size = `${(before / 1e6).toFixed(2)} MB → ${(written.length / 1e6).toFixed(2)} MB`;
    io.print(
      weights.length === 0
        ? `no weight can be stored as ${type}: ${size}`
        : `${weights.length} weights as ${type}: ` +
            `${size}${decibels === null ? '' : `; ${decibels.toFixed(1)} dB against float32 weights`}`,
    );
    return { file: target, type, bytes: written.length, before, psnr: decibels, weights };
  },
};

interface Comparison {
  float: Model;
  model: Model;
  type: WeightStorage;
  least: number;
  weights: readonly StoredWeight[];
  manifest: Manifest | undefined;
  /** Minimum PSNR in decibels. */
  bound: number;
}

/** The lowest PSNR of any output over a few inputs. Throws `export.mismatch` if it is below the bound. */
async function compared({ float, model, type, least, weights, manifest, bound }: Comparison): Promise<number> {
  const runtime = nodeRuntime({ device: 'cpu' });
  try {
    const exact = await runtime.createSession(encodeModel(float));
    const feeds = Array.from({ length: DRAWS }, (_, i) => drawn(exact, manifest, i));
    const wanted: NamedTensors[] = [];
    for (const feed of feeds) wanted.push(await exact.run(feed));
    for (const outputs of wanted) checkNumbers(outputs, float);
    const worst = async (other: Model, draws: number): Promise<{ output: string; found: number }> => {
      const session = await runtime.createSession(encodeModel(other));
      let worst = { output: '', found: Infinity };
      for (const [i, feed] of feeds.slice(0, draws).entries()) {
        const got = await session.run(feed);
        for (const [output, tensor] of Object.entries(wanted[i] ?? {})) {
          const found = psnr(numbersOf(tensor), numbersOf(got[output]));
          if (!(found >= worst.found)) worst = { output, found };
        }
      }
      await session.dispose();
      return worst;
    };
    const { output, found } = await worst(model, DRAWS);
    if (found >= bound) return found;
    throw await storedMismatch({
      where: 'convert',
      type,
      weights,
      least: bound,
      found,
      output,
      alone: async ({ name }) =>
        (await worst(storeWeights(float, { type, least, only: new Set([name]) }).model, 1)).found,
    });
  } finally {
    await runtime.dispose();
  }
}

/**
 * @throws ModelFormatError for outputs with NaN or infinity, which cannot be compared. The message names a weight
 * that has such values, if there is one.
 */
function checkNumbers(outputs: NamedTensors, { graph }: Model): void {
  const odd = (data: Iterable<number>): boolean => [...data].some((value) => !Number.isFinite(value));
  const bad = Object.entries(outputs).find(([, { dtype, data }]) =>
    dtype === 'float16'
      ? odd(Array.from(data as Uint16Array, fromHalf))
      : dtype === 'float32' && odd(data as Float32Array),
  );
  if (bad === undefined) return;
  const weight = graph?.initializers.find(
    ({ dataType, floatData, rawData }) =>
      dataType === DATA_TYPE.float32 &&
      odd(rawData === undefined ? floatData : new Float32Array(new Uint8Array(rawData).buffer)), // copied to align it
  );
  throw new ModelFormatError(
    'model.format',
    `convert: expected numbers from the model, got NaN or infinity in its output '${bad[0]}' ` +
      (weight === undefined ? 'for inputs that fit its manifest' : `and in its weight '${weight.name ?? ''}'`) +
      '; train or export it again, or skip the comparison with --no-compare',
  );
}

/** The numbers of a tensor; those of float16 are stored as bits. */
function numbersOf(tensor: Tensor | undefined): ArrayLike<number | bigint> {
  if (tensor?.dtype === 'float16') return Array.from(tensor.data as Uint16Array, fromHalf);
  return (tensor?.data ?? []) as ArrayLike<number | bigint>; // numbers or bigints, whatever the type
}

/** Conversions to what an array of the type holds; arrays of other types hold the numbers themselves. */
const STORED: { readonly [D in DType]?: (value: number) => number | bigint } = { int64: BigInt, float16: halfOf };

/**
 * Random inputs that fit the manifest: numbers in its ranges, ids of classes and words; normal numbers for other
 * inputs.
 */
function drawn({ inputs }: Session, manifest: Manifest | undefined, draw: number): NamedTensors {
  const feeds = goldenFeeds(inputs, draw);
  for (const { name, range, classes, vocabulary } of manifest?.inputs ?? []) {
    const tensor = feeds[name];
    if (tensor === undefined) continue;
    const count = classes?.length ?? vocabulary?.length;
    const [low, high] = count === undefined ? (range ?? []) : [0, count - 1];
    if (low === undefined || high === undefined || tensor.dtype === 'bool') continue;
    const data = tensor.data as Float32Array; // or another array of numbers or bigints
    const values = philoxUniform({ seed: draw, stream: 0, step: 1 }, data.length);
    const at = (v: number): number =>
      tensor.dtype === 'float32' || tensor.dtype === 'float16'
        ? low + v * (high - low)
        : Math.min(high, Math.floor(low + v * (high - low + 1)));
    const stored = STORED[tensor.dtype] ?? Number;
    values.forEach((v, i) => (data[i] = stored(at(v)) as number)); // a bigint where the array has bigints
  }
  return feeds;
}
