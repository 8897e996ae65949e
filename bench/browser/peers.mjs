// Peers of bench:peers that a page gets as bundles from outside the repository: LiteRT.js and jax-js. Each returns a
// function that makes the pictures of `z`, and their dims, channels last.
import { jaxNetwork } from './jax.mjs';

const bytesOf = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());

/** A bundle that lib/bundles.mjs has put beside the page, unknown to Vite. */
const bundle = (name) => import(/* @vite-ignore */ `${location.origin}/peers/${name}.js`);

export const PEERS = {
  /** The .tflite file of python/write_tflite.py, on XNNPACK compiled to WebAssembly. */
  async litert(o, z) {
    const { loadAndCompile, loadLiteRt, Tensor } = await bundle('litert');
    await loadLiteRt('/peers/litert/', o.threads > 1 ? { threads: true } : {});
    const model = await loadAndCompile(await bytesOf(o.tflite), {
      accelerator: 'wasm',
      cpuOptions: { numThreads: o.threads },
    });
    const [{ shape }] = model.getInputDetails();
    const [{ shape: dims }] = model.getOutputDetails();
    return {
      dims: [...dims],
      async step() {
        const input = new Tensor(z, [...shape]);
        const [output] = await model.run([input]);
        const pictures = output.toTypedArray().slice();
        input.delete();
        output.delete();
        return pictures;
      },
    };
  },

  async jax(o, z) {
    // its pool has a thread for each core that the browser reports
    Object.defineProperty(navigator, 'hardwareConcurrency', { value: o.threads });
    return jaxNetwork(await bundle('jax'), await bytesOf(o.model), o.batch, z);
  },
};
