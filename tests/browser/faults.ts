// Runs before the worker's sources in tests: injects faults that a page sets by a BroadcastChannel, and confirms each
// by its name. Also defines what vitest's transform of `import()` calls, which only vitest's own workers have.
Object.assign(globalThis, { __vitest_browser_runner__: { wrapDynamicImport: (load: () => unknown) => load() } });

// A worker whose address ends in #no-jspi sees a browser that cannot suspend WebAssembly.
if (location.hash === '#no-jspi') Reflect.deleteProperty(WebAssembly, 'Suspending');

const devices: GPUDevice[] = [];
if ('GPUAdapter' in globalThis) {
  // A worker whose address ends in #half has an adapter that claims half precision without supporting it.
  const { get } = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, 'features') ?? {};
  if (location.hash === '#half' && get)
    Object.defineProperty(GPUAdapter.prototype, 'features', {
      get(this: GPUAdapter) {
        return new Set([...(get.call(this) as Iterable<string>), 'shader-f16']);
      },
    });
  const requestDevice = Reflect.get(GPUAdapter.prototype, 'requestDevice');
  GPUAdapter.prototype.requestDevice = async function (descriptor = {}) {
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])].filter(
      (name) => location.hash !== '#half' || name !== 'shader-f16',
    );
    const device = await requestDevice.call(this, { ...descriptor, requiredFeatures });
    devices.push(device);
    return device;
  };
}

type Post = (message: { progress?: unknown }, transfer: unknown) => void;
// This file only runs in a worker, whose globals TypeScript does not know beside the page's.
const scope = globalThis as unknown as {
  postMessage: Post;
  addEventListener(type: 'message', listener: (event: MessageEvent<{ op?: string }>) => void): void;
};
const post = scope.postMessage.bind(scope);
/** The fault of the next answer other than progress. */
let next: 'die' | 'hang' | undefined;
scope.postMessage = (message, transfer) => {
  if (next === undefined || 'progress' in message) return post(message, transfer);
  if (next === 'die')
    return void setTimeout(() => {
      throw new Error('a fault of the test');
    });
  for (;;); // hangs
};

// A worker whose address ends in #die dies in each run.
scope.addEventListener('message', ({ data }) => {
  if (data.op === 'run' && location.hash === '#die') next = 'die';
});

/** What befalls the worker that prepares a model's second form. */
let second: 'held' | 'refused' | 'lost' | undefined;
const held: (() => void)[] = [];
const { Worker: Real } = globalThis;
globalThis.Worker = class extends Real {
  readonly #held: boolean;
  constructor(url: string | URL, options?: WorkerOptions) {
    const fault = options?.name === 'forja-prepare' ? second : undefined;
    if (fault === 'refused') throw new DOMException('refused', 'SecurityError');
    super(fault === 'lost' ? '/__forja/missing' : url, options);
    this.#held = fault === 'held';
  }
  override postMessage(message: unknown): void {
    if (this.#held) held.push(() => super.postMessage(message));
    else super.postMessage(message);
  }
};

const FAULTS: Readonly<Record<string, () => void>> = {
  die: () => (next = 'die'),
  hang: () => (next = 'hang'),
  'die-idle': () =>
    void setTimeout(() => {
      throw new Error('a fault of the test');
    }),
  'hold-second': () => (second = 'held'),
  'let-second-go': () => held.splice(0).forEach((go) => go()),
  'refuse-second': () => (second = 'refused'),
  'lose-second': () => (second = 'lost'),
  'lose-gpu': () => devices.forEach((device) => device.destroy()),
  'no-room': () => (Cache.prototype.put = () => Promise.reject(new DOMException('no room', 'QuotaExceededError'))),
  'no-store': () => (CacheStorage.prototype.open = () => Promise.reject(new DOMException('denied', 'SecurityError'))),
};

const channel = new BroadcastChannel('forja-faults');
channel.addEventListener('message', ({ data }: MessageEvent<string>) => {
  FAULTS[data]?.();
  if (data in FAULTS) channel.postMessage(`${data} set`);
});

export {};
