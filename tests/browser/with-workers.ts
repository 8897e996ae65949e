// Starts the workers of a page from other addresses than the product asked for.

/** Starts workers from what `address` makes of their address, while `during` lasts. */
export async function withWorkers(
  address: (url: string, nth: number) => string,
  during: () => Promise<void>,
): Promise<void> {
  const { Worker: Real } = globalThis;
  let nth = 0;
  globalThis.Worker = class extends Real {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(address(String(url), ++nth), options);
    }
  };
  try {
    await during();
  } finally {
    globalThis.Worker = Real;
  }
}
