// Generator: a loaded model that does what its manifest says. Concurrent requests for samples share runs; all other
// calls run one after another.
import { disposable } from '../disposable.js';
import { ForjaError, ModelFormatError, OverloadedError } from '../errors.js';
import { checkInteger } from '../integer.js';
import type { ImageBatch } from '../image/batch.js';
import type { ImageLike } from '../image/from-images.js';
import type { Image } from '../image/image.js';
import { shapeError } from '../shape-error.js';
import { platform } from '../platform.js';
import { classOf, isDetached, optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import { detached, type Feed } from '../runtime/feeds.js';
import { MicroBatcher } from '../runtime/micro-batcher.js';
import type { DeviceReport, RunOptions, RuntimeStats, Session } from '../runtime/session.js';
import type { NamedTensors } from '../tensor.js';
import { LatentModel } from './latent-model.js';
import type { Draw } from './latent-model.js';
import type { Manifest } from '../manifest/manifest.js';
import { batchOf, MOST } from './options.js';
import type {
  BatchOptions,
  InterpolateOptions,
  SampleOptions,
  ScoreOptions,
  StreamOptions,
  TranslateOptions,
} from './options.js';
import { encodingOf, PictureBuffer } from './picture-buffer.js';
import type { PictureTools } from './translate.js';

/** The parts of a {@link Generator}. `load` of @forja/node and @forja/web makes them. */
export interface GeneratorParts {
  /** Runs the model. */
  session: Session;
  /** Description of the model. */
  manifest: Manifest;
  /** Bytes of the model, for `stats()`. */
  modelBytes: number;
  /** How requests share runs. */
  batch?: BatchOptions | undefined;
  /** Milliseconds that loading took, for `stats()`. */
  startMs?: { read: number; session: number };
  /** Frees the session and what runs it. */
  dispose: () => Promise<void>;
}

/** Maximum bytes of output per run: large pictures are run in batches below `batch.max`, which costs no speed. */
const RUN_BYTES = 2 ** 28;

const TOOLS: PictureTools = { encodingOf, buffer: (count, spec) => new PictureBuffer(count, spec) };

let imported: typeof import('./lazy.js') | undefined;

/**
 * Imports the other functions on first use. Keeps the module, because each `import()`, even of a loaded module, takes
 * several turns of the event loop.
 */
async function lazy(): Promise<typeof import('./lazy.js')> {
  return (imported ??= await import('./lazy.js'));
}

const { slice } = Uint8Array.prototype as unknown as { slice: (this: unknown) => unknown };

/** Pictures or a feed with copied data: the caller may reuse its arrays before an import ends. */
function held<T>(given: T): T {
  if (Array.isArray(given)) return given.map(held) as T;
  const { data, width, height } = Object(given) as Partial<ImageLike>;
  try {
    // ImageData has its sizes in getters, which a spread leaves out.
    return (data === undefined ? slice.call(given) : { ...given, width, height, data: slice.call(data) }) as T;
  } catch {
    return given; // no typed array, or one that was transferred: checked later
  }
}

/** A loaded model. Methods may be called while others run; a failure or an abort reaches only its own caller. */
export class Generator {
  /**
   * Description of the model: from the file, or guessed from names and shapes. Fields of the option `manifest` override
   * it.
   */
  readonly manifest: Manifest;
  /** For `await using`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly #parts: GeneratorParts;
  readonly #batch: Required<BatchOptions>;
  readonly #inside = new Set<Promise<unknown>>();
  readonly #count = { runs: 0, images: 0, ms: 0 };
  #latent: { model: LatentModel; batcher: MicroBatcher } | undefined;
  #firstRunMs: number | undefined;
  #disposal: Promise<void> | undefined;

  constructor(parts: GeneratorParts) {
    this.manifest = parts.manifest;
    this.#parts = parts;
    this.#batch = batchOf(parts.batch);
    disposable(this);
  }

  /** The device that really runs the model, and why. */
  get device(): DeviceReport {
    return this.#parts.session.device;
  }

  /**
   * Pictures of a seed, or of given latents. Concurrent calls share runs; large counts are split over several. Rejects
   * with `input.range` (count, seed, truncation, label, text), `input.shape` (latents), `model.notGenerator`,
   * `overloaded`, `aborted`, `disposed`.
   */
  async sample(options: SampleOptions = {}): Promise<ImageBatch> {
    optionsOf('sample', options, 'count label latents mix noise seed signal text truncation');
    const { model } = this.#latentModel();
    const { latents: given, text } = options;
    const { count = given ? given.length / model.size : Array.isArray(text) ? text.length : 1 } = options;
    if (given !== undefined && classOf(given) !== 'Float32Array')
      throw shapeError(`sample.latents: expected a Float32Array, got ${shown(given)}`);
    if (given && isDetached(given)) throw detached('sample.latents');
    if (given && (given.length === 0 || given.length % model.size !== 0 || given.length !== count * model.size)) {
      const wanted = options.count === undefined ? `a multiple of ${model.size}` : `${options.count} × ${model.size}`;
      throw shapeError(`sample.latents: expected ${wanted} numbers, got ${given.length}`);
    }
    checkInteger('sample.count', count, 1, MOST, '; stream() has no end');
    // Copied, because rows are read only when their run begins and the caller may reuse its array at once.
    return this.#draw({ ...options, latents: given && new Float32Array(given), start: 0 }, count);
  }

  /**
   * Pictures one by one, in order, generated a few ahead: picture i equals that of `sample`. Leaving the loop ends it.
   * Errors are thrown in the loop.
   */
  async *stream(options: StreamOptions = {}): AsyncGenerator<Image, void, undefined> {
    const { streamed } = await lazy();
    yield* streamed(options, this.#batch.max, (draw, count) => this.#draw(draw, count));
  }

  /**
   * A walk through the first latents of several seeds, classes or texts; with `synthesis` along their styles. Rejects
   * with `input.range` (steps, seeds, labels, texts), `usage`, and the codes of `sample`.
   */
  async interpolate(options: InterpolateOptions): Promise<ImageBatch> {
    const { model } = this.#latentModel();
    return this.#admit(async () => {
      const { walked } = await lazy();
      return walked(model, this.manifest, options, {
        ...TOOLS,
        draw: (draw, count) => this.#request(draw, count)(),
        run: (feeds) => this.#run(feeds, {}, 0),
      });
    });
  }

  /**
   * Runs an image-to-image or super-resolution model on pictures of one size. With `tile`, in tiles that are blended
   * where they overlap.
   */
  async translate(image: ImageLike | readonly ImageLike[], options: TranslateOptions = {}): Promise<ImageBatch> {
    const own = held(image);
    const { translate } = await lazy();
    return this.#admit(() =>
      translate(this.manifest, own, options, (feeds, asked, done) => this.#run(feeds, asked, done), TOOLS),
    );
  }

  /**
   * Scores of pictures by a discriminator (role `score`), one number per picture. If the manifest gives the range 0..1,
   * it is the probability that the picture is real; otherwise it only ranks pictures, higher for more real. Rejects
   * with `input.shape`, `input.range` (label, text), `model.notGenerator`, `aborted`, `disposed`.
   */
  async score(image: ImageLike | readonly ImageLike[], options: ScoreOptions = {}): Promise<number[]> {
    const own = held(image);
    const { score } = await lazy();
    return this.#admit(() => score(this.manifest, own, options, (feeds, asked) => this.#run(feeds, asked, 0), TOOLS));
  }

  /** One run of any model. A feed may omit its type, or be a typed array if the input's shape is known. */
  async run(feeds: Record<string, Feed>, options: RunOptions = {}): Promise<NamedTensors> {
    const own = Object.fromEntries(Object.entries(optionsOf('run', feeds)).map(([name, feed]) => [name, held(feed)]));
    return this.#admit(async () => {
      const { completeFeeds } = await lazy();
      return this.#run(completeFeeds(this.#parts.session.inputs, own), options, 0);
    });
  }

  /**
   * Runs a latent model once at each of these batch sizes, with any class. Does nothing for other models, whose sizes
   * are unknown.
   */
  async warmup(counts: readonly number[]): Promise<void> {
    if (this.manifest.kind !== 'latent' || counts.length === 0) return;
    const { someClass, batchSizes } = await lazy();
    for (const count of batchSizes(counts)) await this.sample({ count, ...someClass(this.manifest) });
  }

  /** Counters since loading. `queued`: requests that wait or run. */
  stats(): RuntimeStats {
    const { runs, images, ms } = this.#count;
    const { modelBytes, startMs } = this.#parts;
    const firstRun = this.#firstRunMs === undefined ? {} : { firstRun: this.#firstRunMs };
    return {
      runs,
      images,
      queued: this.#inside.size,
      sessions: this.#disposal ? 0 : 1,
      meanRunMs: runs === 0 ? 0 : ms / runs,
      modelBytes,
      ...(startMs ? { startMs: { ...startMs, ...firstRun } } : {}),
    };
  }

  /** Frees the model when the requests already made have finished. Idempotent; later calls reject with `disposed`. */
  dispose(): Promise<void> {
    this.#disposal ??= Promise.allSettled(this.#inside).then(() => this.#parts.dispose());
    return this.#disposal;
  }

  #latentModel(): { model: LatentModel; batcher: MicroBatcher } {
    if (!this.#latent) {
      const model = new LatentModel(this.manifest);
      const { delayMs } = this.#batch;
      const max = Math.min(this.#batch.max, model.within(RUN_BYTES), model.mostRows);
      this.#latent = {
        model,
        batcher: new MicroBatcher((feeds, rows) => this.#run(feeds, { outputs: [model.output.name] }, rows), {
          max: Math.min(max, model.fixedBatch ?? max),
          delayMs,
          fixed: model.fixedBatch,
        }),
      };
    }
    return this.#latent;
  }

  /**
   * Pictures `draw.start` to `draw.start + count − 1`. Before the request is queued, only the import for conditions is
   * awaited, so that calls of one tick share a run.
   */
  async #draw(draw: Draw, count: number): Promise<ImageBatch> {
    return this.#admit(this.#request(draw, count));
  }

  /** Prepares a request for these pictures; the returned function runs it. */
  #request(draw: Draw, count: number): () => Promise<ImageBatch> {
    const { model, batcher } = this.#latentModel();
    const pictures = new PictureBuffer(count, model.output);
    const { name } = model.output;
    return async () => {
      const { draw: own, feeds } =
        model.conditional || (draw.label ?? draw.text ?? draw.mix ?? draw.noise) !== undefined
          ? (await lazy()).conditioned(this.manifest, draw)
          : { draw, feeds: () => ({}) };
      model.check(own);
      await batcher.add({
        rows: count,
        signal: draw.signal,
        feeds: (start, rows) => ({ ...model.feeds(own, start, rows), ...feeds(draw.start + start, rows) }),
        take: (outputs, at, start, rows) => {
          const tensor = outputs[name];
          if (!tensor)
            throw new ModelFormatError(
              'model.format',
              `sample: expected an output '${name}', got ${Object.keys(outputs).join(', ')}`,
            );
          return pictures.take(tensor, at, start, rows);
        },
      });
      return pictures.batch();
    };
  }

  async #run(feeds: NamedTensors, options: RunOptions, images: number): Promise<NamedTensors> {
    const { steps, bounds } = this.manifest;
    if (steps ?? bounds) (await lazy()).checkSizes(this.manifest, feeds);
    const { performance } = platform();
    const begun = performance.now();
    const outputs = await this.#parts.session.run(feeds, options);
    const took = performance.now() - begun;
    this.#firstRunMs ??= took;
    this.#count.ms += took;
    this.#count.runs++;
    this.#count.images += images;
    return outputs;
  }

  #admit<T>(request: () => Promise<T>): Promise<T> {
    if (this.#disposal) return Promise.reject(new ForjaError('disposed', 'generator: it has been disposed'));
    const { queue } = this.#batch;
    if (this.#inside.size >= queue)
      return Promise.reject(
        new OverloadedError(
          `generator: expected at most ${queue} requests at once, got one more: try later, or raise batch.queue`,
        ),
      );
    const promise = request();
    this.#inside.add(promise);
    const leave = (): void => void this.#inside.delete(promise);
    promise.then(leave, leave);
    return promise;
  }
}
