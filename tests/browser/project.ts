// The vitest project `browser`: real headless Chromium, isolated (COOP and COEP), WebGPU on SwiftShader, no network but
// the test server.
import { playwright } from '@vitest/browser-playwright';
import type { TestProjectInlineConfiguration } from 'vitest/config';
import { commands, misbehavingServer } from './server.js';

/** Flags of Chromium: as root, without a GPU, without background requests. */
export const CHROMIUM_FLAGS: readonly string[] = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--js-flags=--expose-gc',
];

/** Headers that make a page cross-origin isolated, and so give it SharedArrayBuffer and WASM threads. */
export const ISOLATION_HEADERS: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** `CHROMIUM_PATH`, else where Debian puts it. */
export const chromiumPath: string = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** Settings of the project except `resolve`. */
export const browserProject = {
  plugins: [misbehavingServer()],
  server: { headers: { ...ISOLATION_HEADERS } },
  // Prebundling would rewrite onnxruntime's `new URL(..., import.meta.url)` mid-run and reload the page.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  test: {
    name: 'browser',
    include: ['tests/browser/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      commands,
      provider: playwright({ launchOptions: { executablePath: chromiumPath, args: [...CHROMIUM_FLAGS] } }),
      instances: [{ browser: 'chromium' }],
    },
  },
} satisfies TestProjectInlineConfiguration;
