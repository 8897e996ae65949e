// The models of a service, by name. A request can only name one of them: models are looked up in a map, never on disk
// or network.
import { type Generator, OverloadedError, UsageError } from '@forja/core';
import { load, type LoadOptions } from '../load.js';
import { RequestError } from './errors.js';
import type { Limits } from './limits.js';
import { isModelName } from './names.js';
import { SharedRuns, type Sharing } from './oip/share.js';

/** A model for a service: a source for `load`, or a loaded generator, which the caller must dispose. */
export type ModelSource = string | URL | Uint8Array | Blob | Generator;

/** One loaded instance of a model. */
export class Version {
  readonly generator: Generator;
  /** Runs of the generator for inference requests. */
  readonly runs: SharedRuns;
  #inside = 0;
  #empty = (): void => undefined;

  constructor(generator: Generator, sharing: Sharing) {
    this.generator = generator;
    this.runs = new SharedRuns(generator, sharing);
  }

  /** Counts a request on this instance. Call the returned function when the request has been answered. */
  enter(): () => void {
    this.#inside++;
    return () => {
      if (--this.#inside === 0) this.#empty();
    };
  }

  /** Disposes the generator once its last request has been answered. */
  async retire(): Promise<void> {
    if (this.#inside > 0) await new Promise<void>((resolve) => (this.#empty = resolve));
    await this.generator.dispose();
  }
}

/** One model: loading, ready, or failed. */
export class ServedModel {
  readonly name: string;
  /** Settles when the model is ready, or could not be loaded. */
  readonly loading: Promise<void>;
  readonly #queue: number;
  readonly #sharing: Sharing;
  readonly #load: (() => Promise<Generator>) | undefined;
  #version: Version | undefined;
  #reloading: Promise<void> | undefined;
  #failed = false;
  #inside = 0;

  constructor(name: string, source: ModelSource, options: LoadOptions, { queue, count }: Limits) {
    if (!isModelName(name))
      throw new UsageError(
        `serve.models: expected names of letters, digits, '.', '_' and '-', at most 64, got '${name}'`,
      );
    this.name = name;
    this.#queue = queue;
    const { max: rows = count, delayMs = 0 } = (isGenerator(source) ? undefined : options.batch) ?? {};
    this.#sharing = { rows, delayMs };
    if (isGenerator(source)) {
      this.#version = new Version(source, this.#sharing);
      this.loading = Promise.resolve();
    } else {
      this.#load = () =>
        load(source, { warmup: true, deterministic: true, ...options, batch: { queue, ...options.batch } });
      this.loading = this.#load().then(
        (generator) => void (this.#version = new Version(generator, this.#sharing)),
        (error: unknown) => {
          this.#failed = true;
          throw error;
        },
      );
      this.loading.catch(() => undefined); // reported by the service's `ready`
    }
  }

  get ready(): boolean {
    return this.#version !== undefined;
  }

  /** The generator, if loaded. */
  get loaded(): Generator | undefined {
    return this.#version?.generator;
  }

  /** The generator and its runs. Throws `server.starting` or `server.failed`. */
  get version(): Version {
    if (this.#version) return this.#version;
    if (this.#failed)
      throw new RequestError(
        'server.failed',
        `model '${this.name}': it could not be loaded; the server's log says why`,
      );
    throw new RequestError('server.starting', `model '${this.name}': it is being loaded; try again`);
  }

  /**
   * Reloads the model from its source and, once warm, uses it for new requests; requests in progress finish on the
   * previous instance, which is then disposed. Rejects if it cannot be loaded; the previous one stays. Does nothing for
   * a caller's generator.
   */
  reload(): Promise<void> {
    this.#reloading ??= this.#replace().finally(() => (this.#reloading = undefined));
    return this.#reloading;
  }

  async #replace(): Promise<void> {
    if (!this.#load) return;
    await this.loading.catch(() => undefined);
    const generator = await this.#load();
    const last = this.#version;
    this.#version = new Version(generator, this.#sharing);
    this.#failed = false;
    await last?.retire();
  }

  /** Requests waiting or running, including those whose bodies are still arriving. */
  get inside(): number {
    return this.#inside;
  }

  /** Takes a place in the queue; `leave` releases it, once. Throws `overloaded`, and the errors of `version`. */
  enter(): { version: Version; leave: () => void } {
    const { version } = this;
    if (this.#inside >= this.#queue)
      throw new OverloadedError(
        `model '${this.name}': expected at most ${this.#queue} requests at once, got one more: try again later`,
      );
    this.#inside++;
    const end = version.enter();
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      this.#inside--;
      end();
    };
    return { version, leave };
  }

  /** Estimated seconds until the current queue has been served. */
  get retryAfter(): number {
    const { meanRunMs } = this.loaded?.stats() ?? { meanRunMs: 0 };
    return Math.min(60, Math.max(1, Math.ceil((this.#inside * meanRunMs) / 1000)));
  }

  async dispose(): Promise<void> {
    await this.loading.catch(() => undefined);
    await this.#reloading?.catch(() => undefined);
    if (this.#load) await this.loaded?.dispose();
  }
}

/** Looks at properties, not at the class, because a program may contain several copies of @forja/core. */
function isGenerator(source: ModelSource): source is Generator {
  return typeof source === 'object' && (source as unknown) !== null && 'manifest' in source && 'sample' in source;
}

/** All models of a service. */
export class ServedModels {
  readonly all: readonly ServedModel[];
  readonly #byName: ReadonlyMap<string, ServedModel>;

  constructor(models: readonly ServedModel[]) {
    this.all = models;
    this.#byName = new Map(models.map((model) => [model.name, model]));
  }

  get ready(): boolean {
    return this.all.every(({ ready }) => ready);
  }

  /** Throws `request.notFound`. */
  get(name: string): ServedModel {
    const model = this.#byName.get(name);
    if (!model)
      throw new RequestError(
        'request.notFound',
        `model: expected one of ${this.all.map((one) => one.name).join(', ')}, got another name`,
      );
    return model;
  }

  /** The named model, or the only one. Throws `request.notFound` or `usage`. */
  pick(name: string | undefined): ServedModel {
    if (name !== undefined) return this.get(name);
    const [only, ...others] = this.all;
    if (!only || others.length > 0)
      throw new UsageError(`images.model: expected one of ${this.all.map((one) => one.name).join(', ')}, got nothing`);
    return only;
  }
}
