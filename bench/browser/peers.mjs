// Peers of bench:peers that are bundled from outside the repository: LiteRT.js and jax-js. Each returns a function that
// makes the pictures of `z`, and the pictures' dims, channels last.
import { jaxNetwork } from './jax.mjs';

const bytesOf = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());

/** Imports a bundle that lib/bundles.mjs has put next to the page; Vite does not know it. */
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
    // its pool has as many threads as the browser reports cores
    Object.defineProperty(navigator, 'hardwareConcurrency', { value: o.threads });
    return jaxNetwork(await bundle('jax'), await bytesOf(o.model), o.batch, z);
  },
};
