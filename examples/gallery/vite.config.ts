// Builds the gallery as static files, and serves them for a preview: strict CSP, cross-origin isolation unless
// `?noisolation` is in the address.
import { defineConfig } from 'vite';
import type { Plugin } from 'vite';
import { generators } from './generators.js';

/** No inline scripts, no eval, nothing from elsewhere. `blob:` only for files being saved. */
const CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
  "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'";

function headers(): Plugin {
  return {
    name: 'forja-gallery-headers',
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        response.setHeader('Content-Security-Policy', CSP);
        response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
        if (!new URL(request.url ?? '/', 'http://localhost').searchParams.has('noisolation')) {
          response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
          response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
        }
        next();
      });
    },
  };
}

/** files.json, for src/offline.ts: the page's own scripts, and all files with names that change with their content. */
function fileList(): Plugin {
  return {
    name: 'forja-gallery-files',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const all = Object.keys(bundle).filter((name) => name.startsWith('assets/'));
        const scripts = all.filter((name) => bundle[name]?.type === 'chunk');
        this.emitFile({ type: 'asset', fileName: 'files.json', source: JSON.stringify({ scripts, all }) });
      },
    },
  };
}

export default defineConfig({
  plugins: [headers(), generators(), fileList()],
  base: './', // so that the folder works at any address
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    modulePreload: false,
    chunkSizeWarningLimit: 2000,
    outDir: process.env['FORJA_GALLERY_OUT'] ?? 'dist',
    emptyOutDir: true,
    reportCompressedSize: false,
  },
});
