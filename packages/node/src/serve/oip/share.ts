// Concurrent inference requests share runs, as pictures do, for models whose manifest says that the first size is a
// batch. Functions get one run per request, because the meaning of their first size is unknown.
import {
  BYTES_OF,
  checkFeeds,
  copyOf,
  MicroBatcher,
  ModelFormatError,
  rowsOf,
  sizeOf,
  type AbortSignalLike,
  type Generator,
  type Manifest,
  type NamedTensors,
  type Tensor,
  type TypedArray,
} from '@forja/core';

/** Maximum bytes of output per run. */
const RUN_BYTES = 2 ** 28;
/** Maximum number of batchers, one per combination of shapes and outputs. */
const MOST_KINDS = 16;

/** How inference requests share runs. */
export interface Sharing {
  /** Maximum rows per run. */
  rows: number;
  /** Milliseconds that the first request of a run waits for others. */
  delayMs: number;
}

/** Runs of one model for inference requests. */
export class SharedRuns {
  readonly #generator: Generator;
  readonly #max: number;
  readonly #delayMs: number;
  /** Batchers by the properties that requests must have in common to share a run. */
  readonly #batchers = new Map<string, MicroBatcher>();
  #shares: boolean;

  constructor(generator: Generator, { rows, delayMs }: Sharing) {
    this.#generator = generator;
    this.#delayMs = delayMs;
    this.#shares = isBatched(generator.manifest);
    const row = generator.manifest.outputs.reduce(
      (sum, { dtype, shape }) =>
        sum + BYTES_OF[dtype] * sizeOf(shape.slice(1).map((dim) => (typeof dim === 'number' ? dim : 1))),
      0,
    );
    this.#max = Math.max(
      1,
      Math.min(rows, Math.floor(RUN_BYTES / Math.max(1, row)), mostRows(generator.manifest) ?? rows),
    );
  }

  /** Like `Generator.run`. */
  async run(
    feeds: NamedTensors,
    outputs: readonly string[] | undefined,
    signal: AbortSignalLike,
  ): Promise<NamedTensors> {
    const wanted = outputs ?? this.#generator.manifest.outputs.map(({ name }) => name);
    const rows = this.#shares ? commonRows(feeds) : undefined;
    // Requests that cannot share a run get one of their own. Invalid requests are refused before they join a shared
    // run.
    if (
      rows === undefined ||
      rows > this.#max ||
      !wanted.every((name) => this.#generator.manifest.outputs.some((output) => output.name === name))
    )
      return this.#generator.run(feeds, { signal, ...(outputs ? { outputs: [...outputs] } : {}) });
    checkFeeds(this.#generator.manifest.inputs, feeds);
    const results = new Map<string, Tensor>();
    await this.#batcherFor(feeds, wanted).add({
      rows,
      signal,
      feeds: (start, count) => mapped(feeds, (tensor) => rowsOf(tensor, start, count)),
      take: (given, at, start, count) => {
        for (const [name, tensor] of Object.entries(given)) {
          const part = copyOf(rowsOf(tensor, at, count)); // a view would keep the whole run's memory alive
          if (count === rows) results.set(name, part);
          else place(results, name, part, rows, start);
        }
      },
    });
    return Object.fromEntries(results);
  }

  #batcherFor(feeds: NamedTensors, outputs: readonly string[]): MicroBatcher {
    const key = JSON.stringify([
      Object.keys(feeds)
        .sort()
        .map((name) => [name, feeds[name]?.shape.slice(1)]),
      [...outputs].sort(),
    ]);
    let batcher = this.#batchers.get(key);
    if (!batcher) {
      batcher = new MicroBatcher((all, rows) => this.#whole(all, rows, outputs), {
        max: this.#max,
        delayMs: this.#delayMs,
      });
      const [oldest] = this.#batchers.keys();
      // its requests continue; later ones get a new batcher
      if (this.#batchers.size >= MOST_KINDS && oldest !== undefined) this.#batchers.delete(oldest);
      this.#batchers.set(key, batcher);
    }
    return batcher;
  }

  async #whole(feeds: NamedTensors, rows: number, outputs: readonly string[]): Promise<NamedTensors> {
    const given = await this.#generator.run(feeds, { outputs: [...outputs] });
    for (const [name, { shape }] of Object.entries(given)) {
      if (shape[0] === rows) continue;
      this.#shares = false; // for later requests
      throw new ModelFormatError(
        'model.format',
        `infer: expected ${rows} rows of '${name}', got shape [${shape.join(', ')}]: its manifest declares the ` +
          'first size as a batch; try again',
      );
    }
    return given;
  }
}

/** Whether the first size of all inputs and outputs is the batch: it is dynamic, and the model is not a function. */
function isBatched({ kind, inputs, outputs, steps = {} }: Manifest): boolean {
  const [first] = inputs;
  const name = first?.shape[0];
  return (
    kind !== 'function' &&
    typeof name === 'string' &&
    !Object.hasOwn(steps, name) &&
    inputs.every(({ shape }) => shape[0] === name) &&
    outputs.every(({ shape }) => typeof shape[0] === 'string')
  );
}

/** Maximum rows per run, if the manifest has one. */
function mostRows({ inputs, bounds = {} }: Manifest): number | undefined {
  const name = inputs[0]?.shape[0];
  return typeof name === 'string' && Object.hasOwn(bounds, name) ? bounds[name]?.[1] : undefined;
}

function commonRows(feeds: NamedTensors): number | undefined {
  const [first, ...rest] = Object.values(feeds).map(({ shape }) => shape[0]);
  return first !== undefined && first > 0 && rest.every((rows) => rows === first) ? first : undefined;
}

function place(results: Map<string, Tensor>, name: string, part: Tensor, rows: number, start: number): void {
  const [, ...row] = part.shape;
  const size = sizeOf(row);
  const data = part.data as TypedArray;
  const batch = results.get(name) ?? {
    dtype: part.dtype,
    shape: [rows, ...row],
    data: new (data.constructor as new (length: number) => TypedArray)(rows * size),
  };
  // The casts: both arrays are of the same dtype.
  (batch.data as Uint8Array).set(data as Uint8Array, start * size);
  results.set(name, batch);
}

function mapped(tensors: NamedTensors, change: (tensor: Tensor) => Tensor): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor)]));
}
