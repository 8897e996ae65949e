// Starts the workers of a page from other addresses than the product's.

/** During `during`, starts workers from `address(url)` instead of their own URL. */
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
