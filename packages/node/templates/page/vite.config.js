// These headers isolate the page, which gives WebAssembly threads; a host of the built page should send them too.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default {
  server: { headers },
  preview: { headers },
  // onnxruntime-web finds its .wasm files beside itself, which prebundling would move.
  optimizeDeps: { exclude: ['@forja/web', 'onnxruntime-web'] },
};
