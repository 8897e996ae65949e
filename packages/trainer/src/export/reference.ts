// The eager reference of an export: the traced calls, run by tfjs's own kernels on copies of the weights. The user's
// model, tensors and backend are not touched.
import * as tf from '@tensorflow/tfjs';
import { internals } from '../tfjs/engine.js';
import type { Program } from '../program/program.js';
import { STAND_INS } from '../program/stand-ins.js';
import { hasKernel, replay, type ReplayFeeds, type ReplayOptions, type ReplayTensor } from '../program/replay.js';
import { withoutRethrowing } from './rethrowing.js';

let preparing: Promise<boolean> | undefined;

/**
 * Makes tfjs's WASM backend ready beside the current one. False where it cannot be had, as in a page that does not
 * serve its binary.
 */
async function prepareWasm(): Promise<boolean> {
  try {
    if ((tf.findBackendFactory('wasm') as unknown) === null) {
      // its type forgets the null
      await import('@tensorflow/tfjs-backend-wasm');
      // Registered with the lowest priority: tfjs must not choose it because we imported it.
      const factory = tf.findBackendFactory('wasm');
      tf.removeBackend('wasm');
      tf.registerBackend('wasm', factory, 0);
      // In a page its threads would be workers from blobs, which strict content policies refuse.
      tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    }
    const engine = internals();
    let backend: tf.KernelBackend | null = tf.findBackend('wasm');
    if (backend === null) {
      await engine.pendingBackendInit;
      backend = tf.findBackend('wasm');
      if (backend === null) return false;
      // setBackend would do this, and make it the current one.
      for (const kernel of tf.getKernelsForBackend('wasm')) kernel.setupFunc?.(backend);
    }
    return true;
  } catch {
    return false;
  }
}

/** Runs programs eagerly. */
export interface Reference {
  /** On what: `wasm`, or `wasm, on cpu: Einsum` where the backend lacks kernels. */
  readonly backend: string;
  /** Gives the fast backend up for the plain one from now on. False where it is that already. */
  distrust: () => boolean;
  run: (program: Program, feeds: ReplayFeeds, options?: Omit<ReplayOptions, 'backend'>) => Record<string, ReplayTensor>;
}

/**
 * TensorFlow's own kernels where tfjs-node is loaded, WASM where that can be had, else tfjs's plain JavaScript backend,
 * which is slow on convolutions, and which runs what the others lack.
 */
export async function reference(program: Program): Promise<Reference> {
  const kernels = [...new Set(program.calls.map((call) => call.kernel))];
  // Once for the process: two exports at a time would each start a backend and take the other's away.
  const wasm = await (preparing ??= withoutRethrowing(prepareWasm));
  const node = (tf.findBackend('tensorflow') as tf.KernelBackend | null) !== null; // its type forgets the null
  let backend = node ? 'tensorflow' : wasm ? 'wasm' : 'cpu';
  const self: Reference = {
    get backend() {
      const lacking =
        backend === 'cpu'
          ? []
          : kernels.filter((kernel) => !hasKernel(kernel, backend) && !Object.hasOwn(STAND_INS, kernel));
      return lacking.length === 0 ? backend : `${backend}, on cpu: ${lacking.join(', ')}`;
    },
    distrust: () => {
      const changed = backend !== 'cpu';
      backend = 'cpu';
      return changed;
    },
    run: (p, feeds, options) => {
      try {
        return replay(p, feeds, { ...options, backend });
      } catch (error) {
        // Some kernels refuse types or shapes that the plain ones take.
        const fast = backend;
        if (!self.distrust()) throw error;
        try {
          return replay(p, feeds, { ...options, backend: 'cpu' });
        } catch (again) {
          backend = fast; // these numbers are refused by both
          throw again;
        }
      }
    },
  };
  return self;
}
