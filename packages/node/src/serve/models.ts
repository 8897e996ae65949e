// The models of a service, by name. Requests name them and nothing else: a model is looked up in a map, never on a disk or the network.
import { Generator, OverloadedError, UsageError } from '@forja/core';
import { load, type LoadOptions } from '../load.js';
import { RequestError } from './errors.js';
import type { Limits } from './limits.js';
import { isModelName } from './names.js';
import { SharedRuns } from './oip/share.js';

/** What a service takes as a model: what `load` takes, or one that is loaded and stays its maker's to dispose of. */
export type ModelSource = string | URL | Uint8Array | Blob | Generator;

/** One model: on its way, ready, or failed. */
export class ServedModel {
  readonly name: string;
  /** Settles when the model is ready, or cannot be. */
  readonly loading: Promise<void>;
  readonly #queue: number;
  readonly #rows: number;
  readonly #owned: boolean;
  #generator: Generator | undefined;
  #failed = false;
  #inside = 0;
  #runs: SharedRuns | undefined;

  constructor(name: string, source: ModelSource, options: LoadOptions, { queue, count }: Limits) {
    if (!isModelName(name)) throw new UsageError(`serve.models: expected names of letters, digits, '.', '_' and '-', at most 64, got '${name}'`);
    this.name = name;
    this.#queue = queue;
    this.#rows = count;
    this.#owned = !(source instanceof Generator);
    if (source instanceof Generator) {
      this.#generator = source;
      this.loading = Promise.resolve();
    } else {
      this.loading = load(source, { warmup: true, ...options, batch: { queue, ...options.batch } }).then(
        (generator) => void (this.#generator = generator),
        (error: unknown) => {
          this.#failed = true;
          throw error;
        },
      );
      this.loading.catch(() => undefined); // told by the service's `ready`
    }
  }

  get ready(): boolean {
    return this.#generator !== undefined;
  }

  /** The generator, where there is one already. */
  get loaded(): Generator | undefined {
    return this.#generator;
  }

  /** The generator. Throws `server.starting` or `server.failed`. */
  get generator(): Generator {
    if (this.#generator) return this.#generator;
    if (this.#failed) throw new RequestError('server.failed', `model '${this.name}': it could not be loaded; the server's log says why`);
    throw new RequestError('server.starting', `model '${this.name}': it is being loaded; try again`);
  }

  /** Its runs for inference. Throws as `generator` does. */
  get runs(): SharedRuns {
    return (this.#runs ??= new SharedRuns(this.generator, this.#rows));
  }

  /** Requests that wait or run, their bodies still coming included. */
  get inside(): number {
    return this.#inside;
  }

  /** Takes a place in the line; the result gives it back, once. Throws `overloaded`. */
  enter(): () => void {
    if (this.#inside >= this.#queue) throw new OverloadedError(`model '${this.name}': expected at most ${this.#queue} requests at once, got one more: try again later`);
    this.#inside++;
    let left = false;
    return () => {
      if (!left) this.#inside--;
      left = true;
    };
  }

  /** Seconds until the line that stands here now has been served, as far as can be told. */
  get retryAfter(): number {
    const { meanRunMs } = this.#generator?.stats() ?? { meanRunMs: 0 };
    return Math.min(60, Math.max(1, Math.ceil((this.#inside * meanRunMs) / 1000)));
  }

  async dispose(): Promise<void> {
    await this.loading.catch(() => undefined);
    if (this.#owned) await this.#generator?.dispose();
  }
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
    if (!model) throw new RequestError('request.notFound', `model: expected one of ${this.all.map((one) => one.name).join(', ')}, got another name`);
    return model;
  }

  /** The one that is named, or the only one. Throws `request.notFound` or `usage`. */
  pick(name: string | undefined): ServedModel {
    if (name !== undefined) return this.get(name);
    const [only, ...others] = this.all;
    if (!only || others.length > 0) throw new UsageError(`images.model: expected one of ${this.all.map((one) => one.name).join(', ')}, got nothing`);
    return only;
  }
}
