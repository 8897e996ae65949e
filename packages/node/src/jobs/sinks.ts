// Opens sinks by their addresses: a folder, or a prefix in a store. The code for stores is loaded on first use.
import { openStore, placeOf, type Store, type StoreOptions } from './bucket.js';
import { JobFolder } from './folder.js';
import type { Sink } from './sink.js';

/** The sinks of a process. Those in stores share a client. */
export class Sinks {
  readonly #options: StoreOptions;
  #store: Promise<Store> | undefined;

  constructor(options: StoreOptions = {}) {
    this.#options = options;
  }

  /** The sink of an absolute path or of `s3://bucket/prefix`. Throws UsageError for a wrong address. */
  async open(address: string): Promise<Sink> {
    if (!isStore(address)) return new JobFolder(address);
    placeOf('jobs', address);
    const store = await (this.#store ??= openStore(this.#options));
    const { StoreSink } = await import('./s3.js');
    return new StoreSink(store, address);
  }

  /** Closes connections. */
  async close(): Promise<void> {
    (await this.#store?.catch(() => undefined))?.client.destroy();
  }
}

/** Whether a sink's address is in a store. */
export function isStore(address: string): boolean {
  return /^s3:/i.test(address);
}
