// The generators that a worker has loaded, by the SHA-256 of their files. A file with another hash is refused.
import { createHash } from 'node:crypto';
import { ModelFormatError, type Generator } from '@forja/core';
import { sha256 } from '../files/hash.js';
import { readModel } from '../files/read.js';
import { load, type LoadOptions } from '../load.js';
import type { JobRequest } from './request.js';

/** Number of loaded models, including those in use, above which unused ones are disposed. */
const KEPT = 2;

/** SHA-256, in hexadecimal, of a model file, or of the digests and names of its files if it has external data. */
export async function modelHash(path: string): Promise<string> {
  const { bytes, external } = await readModel(path, {});
  const main = await sha256(bytes);
  if (external.size === 0) return main;
  const all = createHash('sha256').update(main);
  for (const [name, data] of [...external].sort(([a], [b]) => (a < b ? -1 : 1)))
    all.update(`\n${name} ${await sha256(data)}`);
  return all.digest('hex');
}

/** Thrown if this worker cannot load a request's model; other workers may be able to. */
export class ModelUnfit extends ModelFormatError {}

interface Loaded {
  generator: Promise<Generator>;
  users: number;
}

/** Loads models on first use, and keeps the most recently used ones. */
export class Models {
  readonly #options: LoadOptions;
  readonly #own: ReadonlyMap<string, string>;
  readonly #loaded = new Map<string, Loaded>();

  /** `own`: by SHA-256, paths of models to use instead of the path in a request. */
  constructor(options: LoadOptions, own: ReadonlyMap<string, string> = new Map()) {
    this.#options = options;
    this.#own = own;
  }

  /** Runs `work` with the model of a request, which stays loaded meanwhile. */
  async use<T>(request: JobRequest, work: (generator: Generator) => Promise<T>): Promise<T> {
    const key = `${request.model.sha256} ${request.lowering}`;
    const loaded = this.#loaded.get(key) ?? { generator: this.#load(request), users: 0 };
    this.#loaded.delete(key);
    this.#loaded.set(key, loaded); // most recently used: removed last
    loaded.users++;
    try {
      const generator = await loaded.generator.catch((error: unknown) => {
        if (this.#loaded.get(key) === loaded) this.#loaded.delete(key);
        throw error;
      });
      return await work(generator);
    } finally {
      loaded.users--;
      await this.#free(KEPT);
    }
  }

  /** Disposes all models that are not in use. */
  async close(): Promise<void> {
    await this.#free(0);
  }

  async #free(kept: number): Promise<void> {
    for (const [key, { generator, users }] of this.#loaded) {
      if (this.#loaded.size <= kept) return;
      if (users > 0) continue;
      this.#loaded.delete(key);
      await generator.then(
        (one) => one.dispose(),
        () => undefined,
      );
    }
  }

  async #load({ model, lowering }: JobRequest): Promise<Generator> {
    const path = this.#own.get(model.sha256) ?? model.path;
    const got = await modelHash(path).catch((cause: unknown) => {
      if (!(cause instanceof ModelFormatError)) throw cause;
      throw new ModelUnfit(
        cause.code as 'model.notFound',
        `${cause.message}; name a local copy with jobs work --model`,
        {
          cause,
        },
      );
    });
    if (got !== model.sha256)
      throw new ModelUnfit(
        'model.integrity',
        `jobs work: expected the request's model with SHA-256 ${model.sha256} in ${path}, got one with ${got}; ` +
          'put the right file there, name a copy with --model, or submit the job again with this model and ' +
          'another output folder',
      );
    // The hash of the files has been compared, so the one in the manifest need not be checked.
    return load(path, { ...this.#options, lowering, deterministic: true, integrity: 'off' });
  }
}
