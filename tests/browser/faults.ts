// In front of the worker's sources in tests: faults that a page sets by a BroadcastChannel. Each is answered by its own
// name once it is set. What vitest's transform of `import()` calls; its own workers get it from elsewhere.
Object.assign(globalThis, { __vitest_browser_runner__: { wrapDynamicImport: (load: () => unknown) => load() } });

// One whose address ends in #no-jspi is in a browser that cannot suspend WebAssembly.
if (location.hash === '#no-jspi') Reflect.deleteProperty(WebAssembly, 'Suspending');

const devices: GPUDevice[] = [];
if ('GPUAdapter' in globalThis) {
  // One whose address ends in #half finds an adapter that says it computes in half precision, and does not.
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
/** What befalls the next answer that is no progress. */
let next: 'die' | 'hang' | undefined;
scope.postMessage = (message, transfer) => {
  if (next === undefined || 'progress' in message) return post(message, transfer);
  if (next === 'die')
    return void setTimeout(() => {
      throw new Error('a fault of the test');
    });
  for (;;); // hangs
};

// One whose address ends in #die does so over each run.
scope.addEventListener('message', ({ data }) => {
  if (data.op === 'run' && location.hash === '#die') next = 'die';
});

const FAULTS: Readonly<Record<string, () => void>> = {
  die: () => (next = 'die'),
  hang: () => (next = 'hang'),
  'die-idle': () =>
    void setTimeout(() => {
      throw new Error('a fault of the test');
    }),
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
