// Whether the worker's file is found in bundles (by esbuild, as ES module and CommonJS), and under Node's permission
// flags.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Format } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { smallGenerator } from '../vitest.support.js';
import { buildForTests } from '../vitest.worker.js';

// Resolved, because Node's permission model checks real paths.
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'forja-bundle-')));
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const app = join(folder, 'app.mjs');

beforeAll(() => {
  writeFileSync(join(folder, 'generator.onnx'), smallGenerator(96));
  mkdirSync(join(folder, 'node_modules'));
  const native = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  symlinkSync(realpathSync(native), join(folder, 'node_modules/onnxruntime-node'));
  writeFileSync(
    app,
    `import { load } from '@forja/node';
import { serve } from '@forja/node/serve';
async function main(executor) {
  const generator = await load('generator.onnx', { device: 'cpu', warmup: [8], ...(executor ? { executor } : {}) });
  const { fetch, close } = serve({ models: { generator } });
  const { status } = await fetch(new Request('http://localhost/v1/images'));
  await close();
  console.log(status, generator.device.executor, Object.keys(generator.device.convolutions ?? {}).length);
  await generator.dispose();
}
main(process.argv[2]).catch(({ code, message }) => console.log(code, message));
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** From docs/node.md, for ES modules: packages of the service are CommonJS and call `require`. */
const REQUIRE = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";

/** Builds the bundles in a new folder; returns the app's path. */
async function bundled(format: Format, entries: Record<string, string>): Promise<string> {
  const out = mkdtempSync(join(folder, `${format}-`));
  const { outputFiles } = await build({
    entryPoints: entries,
    outdir: out,
    bundle: true,
    platform: 'node',
    format,
    target: 'node20',
    external: ['onnxruntime-node', 'onnxruntime-web'],
    ...(format === 'esm' ? { banner: { js: REQUIRE } } : {}),
    alias: {
      '@forja/node/serve': here('serve.ts'),
      '@forja/node/worker': here('worker.ts'),
      '@forja/node': here('index.ts'),
      '@forja/core/onnx': here('../../core/src/onnx.ts'),
      '@forja/core': here('../../core/src/index.ts'),
    },
    write: false,
    logLevel: 'error',
    logOverride: { 'empty-import-meta': 'silent' },
  });
  writeFileSync(join(out, 'package.json'), JSON.stringify({ type: format === 'esm' ? 'module' : 'commonjs' }));
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  return join(out, 'app.js');
}

function run(file: string, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [...args.slice(1), file, args[0] ?? ''], {
    cwd: folder,
    encoding: 'utf8',
  });
  return `${stdout}${stderr}`;
}

test.each(['esm', 'cjs'] as const)(
  'a bundle (%s) without the worker says which file is missing, and the ways',
  async (format) => {
    const file = await bundled(format, { app });
    for (const executor of ['worker', 'process']) {
      const said = run(file, executor);
      expect(said).toMatch(/^device\.unavailable executor: /);
      expect(said).toContain(join(dirname(file), 'worker.js'));
      for (const way of ['external', '@forja/node/worker', 'inline', 'docs/node.md']) expect(said).toContain(way);
    }
    expect(run(file, 'inline')).toBe('200 inline 1\n');
  },
);

test.each(['esm', 'cjs'] as const)('a bundle (%s) with the worker as a second entry runs', async (format) => {
  const file = await bundled(format, { app, worker: '@forja/node/worker' });
  expect(run(file)).toBe('200 worker 1\n');
  expect(run(file, 'process')).toBe('200 process 1\n');
});

const library = async (): Promise<string> => {
  const file = join(folder, `library-${process.pid}.mjs`);
  const built = await buildForTests();
  writeFileSync(
    file,
    readFileSync(app, 'utf8')
      .replace('@forja/node/serve', join(built, 'serve.js'))
      .replace('@forja/node', join(built, 'index.js')),
  );
  return file;
};
// Node 22 and 24 name the flag differently from 20.
const permission = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
const granted = [permission, '--no-warnings', '--allow-fs-read=*'];

test('under permission flags the error names the missing flag', async () => {
  const file = await library();
  for (const [executor, flag] of [
    ['worker', '--allow-worker'],
    ['process', '--allow-child-process'],
  ] as const) {
    const said = run(file, executor, ...granted, '--allow-addons');
    expect(said).toMatch(/^device\.unavailable /);
    expect(said).toContain(flag);
  }
  expect(run(file, 'inline', ...granted)).toMatch(/^device\.unavailable [\s\S]*--allow-addons/);
  expect(run(file, 'inline', ...granted, '--allow-addons')).toBe('200 inline 1\n');
  expect(run(file, 'worker', ...granted, '--allow-addons', '--allow-worker')).toBe('200 worker 1\n');
  // An unreadable file is not reported as missing.
  const blind = [permission, '--no-warnings', `--allow-fs-read=${file}`, '--allow-worker'];
  expect(run(file, 'worker', ...blind)).not.toMatch(/device\.lost/);
});
