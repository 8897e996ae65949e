// The models of a service, by name. Requests name them and nothing else: a model is looked up in a map, never on a disk
// or the network.
import { type Generator, OverloadedError, UsageError } from '@forja/core';
import { load, type LoadOptions } from '../load.js';
import { RequestError } from './errors.js';
import type { Limits } from './limits.js';
import { isModelName } from './names.js';
import { SharedRuns } from './oip/share.js';

/** What a service takes as a model: what `load` takes, or one that is loaded and stays its maker's to dispose of. */
export type ModelSource = string | URL | Uint8Array | Blob | Generator;

/** A model as it was loaded once. */
export class Version {
  readonly generator: Generator;
  /** For inference. */
  readonly runs: SharedRuns;
  #inside = 0;
  #empty = (): void => undefined;

  constructor(generator: Generator, rows: number) {
    this.generator = generator;
    this.runs = new SharedRuns(generator, rows);
  }

  /** A request that this one answers; the result ends it. */
  enter(): () => void {
    this.#inside++;
    return () => {
      if (--this.#inside === 0) this.#empty();
    };
  }

  /** Disposes of it when its last request is answered. */
  async retire(): Promise<void> {
    if (this.#inside > 0) await new Promise<void>((resolve) => (this.#empty = resolve));
    await this.generator.dispose();
  }
}

/** One model: on its way, ready, or failed. */
export class ServedModel {
  readonly name: string;
  /** Settles when the model is ready, or cannot be. */
  readonly loading: Promise<void>;
  readonly #queue: number;
  readonly #rows: number;
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
    this.#rows = count;
    if (isGenerator(source)) {
      this.#version = new Version(source, count);
      this.loading = Promise.resolve();
    } else {
      this.#load = () => load(source, { warmup: true, ...options, batch: { queue, ...options.batch } });
      this.loading = this.#load().then(
        (generator) => void (this.#version = new Version(generator, count)),
        (error: unknown) => {
          this.#failed = true;
          throw error;
        },
      );
      this.loading.catch(() => undefined); // told by the service's `ready`
    }
  }

  get ready(): boolean {
    return this.#version !== undefined;
  }

  /** The generator, where there is one already. */
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
   * Loads the model again from where it came and, when it is warm, answers new requests with that; those inside are
   * answered by the one before, which is then freed. Rejects when it cannot be loaded: the one before stays. Does
   * nothing for a generator of the caller.
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
    this.#version = new Version(generator, this.#rows);
    this.#failed = false;
    await last?.retire();
  }

  /** Requests that wait or run, their bodies still coming included. */
  get inside(): number {
    return this.#inside;
  }

  /** Takes a place in the line; `leave` gives it back, once. Throws `overloaded`, or as `version` does. */
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

  /** Seconds until the line that stands here now has been served, as far as can be told. */
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

/** By its shape: a program may hold several copies of @forja/core. */
function isGenerator(source: ModelSource): source is Generator {
  return typeof source === 'object' && 'manifest' in source && 'sample' in source;
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

  /** The one that is named, or the only one. Throws `request.notFound` or `usage`. */
  pick(name: string | undefined): ServedModel {
    if (name !== undefined) return this.get(name);
    const [only, ...others] = this.all;
    if (!only || others.length > 0)
      throw new UsageError(`images.model: expected one of ${this.all.map((one) => one.name).join(', ')}, got nothing`);
    return only;
  }
}
