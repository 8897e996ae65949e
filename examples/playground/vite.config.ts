// Serves the built playground like a site: strict CSP, cross-origin isolation unless `?noisolation` is in the address.
// FORJA_MODEL is the model's path; scripts/playground.mjs sets it.
import { createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

const model = resolve(process.env['FORJA_MODEL'] ?? '../../runs/demo/generator.onnx');

/** No inline scripts, no eval, nothing from elsewhere. `blob:` only for the picture being saved. */
const CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' " +
  "data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'";

function serveModel(): Plugin {
  return {
    name: 'forja-playground',
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = new URL(request.url ?? '/', 'http://localhost');
        response.setHeader('Content-Security-Policy', CSP);
        response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
        if (!url.searchParams.has('noisolation')) {
          response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
          response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
        }
        if (url.pathname !== '/generator.onnx') return next();
        const size = statSync(model, { throwIfNoEntry: false })?.size;
        if (size === undefined) {
          response.statusCode = 404;
          return void response.end('no model');
        }
        response.setHeader('Content-Type', 'application/octet-stream');
        response.setHeader('Content-Length', size);
        createReadStream(model).pipe(response);
      });
    },
  };
}

export default defineConfig({
  plugins: [serveModel()],
  // The limit is for onnxruntime, which is large. Preloading of modules is off, because it could need an inline script.
  build: {
    target: 'es2022',
    modulePreload: false,
    chunkSizeWarningLimit: 2000,
    outDir: process.env['FORJA_PLAYGROUND_OUT'] ?? 'dist',
    emptyOutDir: true,
    reportCompressedSize: false,
  },
});
