// Finds the latent whose picture is nearest to a given one: Adam on latents, with loss and gradient from a projector
// model. Follows Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", appendix D, but in z and
// with a pixel loss only.
import { abortError, ModelFormatError, UsageError } from '../errors.js';
import { fromImages, type ImageLike } from '../image/from-images.js';
import { checkInteger } from '../integer.js';
import { latents } from '../latent/latents.js';
import type { Manifest } from '../manifest/manifest.js';
import type { AbortSignalLike } from '../platform.js';
import { optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import { ARRAY_OF, sizeOf, type NamedTensors, type Tensor, type TypedArray } from '../tensor.js';
import { conditioned } from './conditions.js';
import { rows, rowsOf } from './latent-model.js';
import { MOST } from './options.js';
import { encodingOf } from './picture-buffer.js';
import { channelsOf, checkImage, checkWhole, dtypeOf, fixedSize } from './translate.js';

/** Options of {@link project}. */
export interface ProjectOptions {
  /** Seed of the initial latents, and of the noise for models that take noise. Default 0. */
  seed?: number | bigint;
  /** Number of initial latents, optimised together; the best is returned. Default 8. */
  starts?: number;
  /** Steps of Adam, each with one run of the projector. Default 300. */
  steps?: number;
  /**
   * Highest learning rate, reached after a twentieth of the steps; it falls to 0 over the last quarter. Default 0.1.
   */
  rate?: number;
  /**
   * Index or name of the class, for models that take one. Default: start i is of class i modulo the number of classes.
   */
  label?: number | string;
  /** Description of the picture, for models that take a text. */
  text?: string;
  /** Called after each step with the lowest loss so far. */
  onProgress?: (progress: { done: number; total: number; loss: number }) => unknown;
  signal?: AbortSignalLike;
}

/** Result of {@link project}. */
export interface Projection {
  /** For `sample({ latents, seed, label })` of the generator, with the seed of the projection. */
  latent: Float32Array;
  /** Class of the result, if the model has classes: the requested one, or that of the best start. */
  label?: number;
  /** Mean squared difference of pixels, in the model's own range: for example, 4 between black and white in [−1, 1]. */
  loss: number;
  /** The lowest loss before each step. */
  losses: number[];
}

/** A loaded `projector.onnx`. */
export interface Projector {
  readonly manifest: Manifest;
  run(feeds: NamedTensors, options?: { signal?: AbortSignalLike }): Promise<NamedTensors>;
}

/** Adam's decays and epsilon (Kingma and Ba 2015), the paper's defaults. */
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/**
 * The latent whose picture is nearest to `image`, found with `projector`, a loaded `projector.onnx`
 * (`exportProjector`). Rejects with `model.notGenerator` for another model, `input.shape` for a picture of another
 * size, `input.range` (starts, steps, label), `aborted`.
 */
export async function project(
  projector: Projector,
  image: ImageLike,
  options: ProjectOptions = {},
): Promise<Projection> {
  optionsOf('project', options, 'label onProgress rate seed signal starts steps text');
  optionsOf('project.image', image);
  if (!Array.isArray((Object(projector) as Partial<Projector>).manifest?.inputs))
    throw new UsageError(`project: expected a loaded projector.onnx, got ${shown(projector)}`);
  const { seed = 0, starts = 8, steps = 300, rate = 0.1, label, text, onProgress, signal } = options;
  checkInteger('project.starts', starts, 1, MOST);
  checkInteger('project.steps', steps, 1, 1_000_000);
  if (!(rate > 0 && Number.isFinite(rate)))
    throw new UsageError(`project.rate: expected a number above 0, got ${String(rate)}`, { code: 'input.range' });
  const { inputs, outputs } = projector.manifest;
  const [latent, target] = (['latent', 'image'] as const).map((role) => inputs.find((input) => input.role === role));
  const gives = (name: string): boolean => outputs.some((output) => output.name === name);
  if (!latent || !target || !gives('loss') || !gives('gradient'))
    throw new ModelFormatError(
      'model.notGenerator',
      'project: expected a model that maps a latent and a target to a loss and its gradient, got inputs ' +
        `${inputs.map(({ name }) => name).join(', ')} and outputs ${outputs.map(({ name }) => name).join(', ')}; ` +
        'forja train --export-projector writes one',
    );
  checkImage('project', image, image);
  checkWhole('project', image, fixedSize(target));
  const { feeds: conditions } = conditioned(projector.manifest, {
    start: 0,
    seed,
    noiseOf: 0, // the noise that sample() uses for the returned latent
    ...(label === undefined ? {} : { label }),
    ...(text === undefined ? {} : { text }),
  });
  const row = rowsOf(latent);
  const size = sizeOf(row.row);
  const fixed: NamedTensors = {
    ...conditions(0, starts),
    [target.name]: repeated(
      fromImages([image], {
        ...encodingOf(target),
        channels: channelsOf('project', target, image),
        dtype: dtypeOf('project', target),
      }),
      starts,
    ),
  };
  const { distribution = 'normal' } = latent;
  const z = Float64Array.from(latents(seed, 0, starts, size, { distribution }));
  const [first, second] = [new Float64Array(z.length), new Float64Array(z.length)];
  const best = { loss: Infinity, start: 0, latent: new Float32Array(size) };
  const losses: number[] = [];
  const look = async (): Promise<Float32Array> => {
    if (signal?.aborted) throw abortError(signal.reason);
    const feeds = { ...fixed, [latent.name]: rows(row, starts, Float32Array.from(z)) };
    const found = await projector.run(feeds, signal ? { signal } : {});
    const [loss, gradient] = ['loss', 'gradient'].map((name) => numbersOf(found[name], name)) as [
      Float32Array,
      Float32Array,
    ];
    loss.forEach((value, start) => {
      if (!(value < best.loss)) return;
      Object.assign(best, {
        loss: value,
        start,
        latent: Float32Array.from(z.subarray(start * size, (start + 1) * size)),
      });
    });
    return gradient;
  };
  for (let step = 0; step < steps; step++) {
    const gradient = await look();
    losses.push(best.loss);
    const stride = rate * ramp(step / steps) * (Math.sqrt(1 - BETA2 ** (step + 1)) / (1 - BETA1 ** (step + 1)));
    for (let i = 0; i < z.length; i++) {
      const g = gradient[i] as number; // same length as the latents
      const m = (first[i] = BETA1 * (first[i] as number) + (1 - BETA1) * g);
      const v = (second[i] = BETA2 * (second[i] as number) + (1 - BETA2) * g * g);
      const moved = (z[i] as number) - (stride * m) / (Math.sqrt(v) + EPSILON);
      z[i] = distribution === 'uniform' ? Math.min(1, Math.max(-1, moved)) : moved;
    }
    await onProgress?.({ done: step + 1, total: steps, loss: best.loss });
  }
  await look();
  return { latent: best.latent, ...labelOf(fixed, inputs, best.start), loss: best.loss, losses };
}

/** Rises over the first twentieth, falls by half a cosine over the last quarter. */
const ramp = (t: number): number =>
  Math.min(1, (t + 1e-3) / 0.05) * (0.5 - 0.5 * Math.cos(Math.PI * Math.min(1, (1 - t) / 0.25)));

/** The class of a start. */
function labelOf(fixed: NamedTensors, inputs: Manifest['inputs'], start: number): { label?: number } {
  const input = inputs.find(({ role }) => role === 'label');
  const fed = input && fixed[input.name];
  if (!fed) return {};
  const width = sizeOf(fed.shape.slice(1));
  const own = Array.from(fed.data as TypedArray, Number).slice(start * width, (start + 1) * width);
  return { label: width === 1 ? (own[0] ?? 0) : own.indexOf(Math.max(...own)) };
}

/** A tensor of one row, repeated to `count` rows. */
function repeated({ dtype, shape, data }: Tensor, count: number): Tensor {
  const own = data as Uint8Array; // the same array type as `all`: both are of `dtype`
  const all: TypedArray = new ARRAY_OF[dtype](own.length * count);
  for (let i = 0; i < count; i++) (all as Uint8Array).set(own, i * own.length);
  return { dtype, shape: [count, ...shape.slice(1)], data: all };
}

function numbersOf(tensor: Tensor | undefined, name: string): Float32Array {
  if (tensor?.dtype === 'float32') return tensor.data as Float32Array;
  throw new ModelFormatError(
    'model.format',
    `project: expected float32 as '${name}', got ${tensor?.dtype ?? 'nothing'}`,
  );
}
