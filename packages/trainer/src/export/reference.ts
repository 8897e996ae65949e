// The eager reference of an export: the traced calls, run by tfjs's kernels on copies of the weights. The user's model,
// tensors and backend are not touched.
import * as tf from '@tensorflow/tfjs';
import { internals } from '../tfjs/engine.js';
import type { Program } from '../program/program.js';
import { STAND_INS } from '../program/stand-ins.js';
import { hasKernel, replay, type ReplayFeeds, type ReplayOptions, type ReplayTensor } from '../program/replay.js';
import { withoutRethrowing } from './rethrowing.js';

let preparing: Promise<boolean> | undefined;

/**
 * Initializes tfjs's WASM backend without making it current. False if it is unavailable, as in a page that does not
 * serve its binary.
 */
async function prepareWasm(): Promise<boolean> {
  let restore: (() => void) | undefined;
  try {
    if ((tf.findBackendFactory('wasm') as unknown) === null) {
      // its type omits the null
      await import('@tensorflow/tfjs-backend-wasm');
      // Registered with the lowest priority: tfjs must not choose it because we imported it.
      const factory = tf.findBackendFactory('wasm');
      tf.removeBackend('wasm');
      tf.registerBackend('wasm', factory, 0);
      restore = withoutThreads();
    }
    const engine = internals();
    let backend: tf.KernelBackend | null = tf.findBackend('wasm');
    if (backend === null) {
      await engine.pendingBackendInit;
      backend = tf.findBackend('wasm');
      if (backend === null) return false;
      // setBackend would do this too, but also make it current.
      for (const kernel of tf.getKernelsForBackend('wasm')) kernel.setupFunc?.(backend);
    }
    return true;
  } catch {
    return false;
  } finally {
    restore?.();
  }
}

const THREADS = 'WASM_HAS_MULTITHREAD_SUPPORT';

/**
 * Makes the WASM backend start without threads, which in a page would be workers from blobs: strict content policies
 * refuse those. In Node it has none. Returns what restores tfjs's flag; undefined if the flag is not changed.
 */
function withoutThreads(): (() => void) | undefined {
  const flags = tf.env().getFlags();
  if (tf.env().getBool('IS_NODE') || Object.hasOwn(flags, THREADS)) return undefined;
  tf.env().set(THREADS, false);
  return () => Reflect.deleteProperty(flags, THREADS); // not read yet before: found again when somebody asks
}

/** Runs programs eagerly. */
export interface Reference {
  /** Name for reports: `wasm`, or `wasm, on cpu: Einsum` if the backend lacks kernels. */
  readonly backend: string;
  /** Switches from the fast backend to the plain one permanently. False if the plain one is in use already. */
  usePlainBackend: () => boolean;
  run: (program: Program, feeds: ReplayFeeds, options?: Omit<ReplayOptions, 'backend'>) => Record<string, ReplayTensor>;
}

/**
 * Uses TensorFlow's kernels if tfjs-node is loaded, else WASM if available, else tfjs's plain JavaScript backend, which
 * is slow on convolutions and also runs kernels that the others lack.
 */
export async function reference(program: Program): Promise<Reference> {
  const kernels = [...new Set(program.calls.map((call) => call.kernel))];
  // Once per process: two concurrent exports would each start a backend and remove the other's.
  const wasm = await (preparing ??= withoutRethrowing(prepareWasm));
  const node = (tf.findBackend('tensorflow') as tf.KernelBackend | null) !== null; // its type omits the null
  let backend = node ? 'tensorflow' : wasm ? 'wasm' : 'cpu';
  const self: Reference = {
    get backend() {
      const lacking =
        backend === 'cpu'
          ? []
          : kernels.filter((kernel) => !hasKernel(kernel, backend) && !Object.hasOwn(STAND_INS, kernel));
      return lacking.length === 0 ? backend : `${backend}, on cpu: ${lacking.join(', ')}`;
    },
    usePlainBackend: () => {
      const changed = backend !== 'cpu';
      backend = 'cpu';
      return changed;
    },
    run: (p, feeds, options) => {
      try {
        return replay(p, feeds, { ...options, backend });
      } catch (error) {
        // The fast backend's kernels refuse some types and shapes that the plain backend accepts.
        const fast = backend;
        if (!self.usePlainBackend()) throw error;
        try {
          return replay(p, feeds, { ...options, backend: 'cpu' });
        } catch (again) {
          backend = fast; // both backends refuse these numbers
          throw again;
        }
      }
    },
  };
  return self;
}
