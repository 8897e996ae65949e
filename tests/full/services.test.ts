// The packed @forja/node in third-party builds and tests: Vite's SSR builds, with the package external (the default)
// and bundled with its worker, and Jest's ES modules. Installs from the network.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packAll, root } from '../package/support/pack.js';

const folder = mkdtempSync(join(tmpdir(), 'forja-services-'));
const model = join(root, 'tests/vectors/torch-generator.onnx');
const environment = { ...process.env, CI: '1', ONNXRUNTIME_NODE_INSTALL_CUDA: 'skip' };

const run = (command: string, args: readonly string[], env: Record<string, string> = {}): string =>
  execFileSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...environment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

const SERVICE = `import { load } from '@forja/node';
export async function shapeOf(model) {
  const generator = await load(model, { device: 'cpu' });
  const { image } = await generator.run({ z: { dtype: 'float32', shape: [2, 8], data: new Float32Array(16) } });
  await generator.dispose();
  return image.shape;
}
`;
const MAIN = `import { shapeOf } from './service.mjs';
console.log(JSON.stringify(await shapeOf(process.argv[2]).catch(({ code }) => code)));
`;

beforeAll(() => {
  const { core = '', node = '' } = packAll(join(folder, 'tarballs'));
  write('package.json', '{ "name": "service", "private": true, "type": "module" }');
  write('service.mjs', SERVICE);
  write('main.mjs', MAIN);
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', core, node, 'vite@7.2.4', 'jest@30.2.0']);
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }), 120_000);

function viteBuild(config: object): unknown {
  write('vite.config.mjs', `export default ${JSON.stringify(config)};`);
  run('npx', ['vite', 'build', '--logLevel', 'error']);
  return JSON.parse(run(process.execPath, ['out/main.js', model]));
}

test('Vite SSR, packages external', () => {
  expect(viteBuild({ build: { ssr: 'main.mjs', outDir: 'out' } })).toEqual([2, 3, 32, 32]);
});

test('Vite SSR, all bundled but onnxruntime, with the worker in the folder of the code', () => {
  const ssr = { noExternal: true, external: ['onnxruntime-node', 'onnxruntime-web'] };
  const input = { main: 'main.mjs', worker: '@forja/node/worker' };
  const output = { chunkFileNames: '[name].js' };
  expect(viteBuild({ build: { ssr: true, outDir: 'out', rollupOptions: { input, output } }, ssr })).toEqual([
    2, 3, 32, 32,
  ]);
  // without the worker's file
  expect(viteBuild({ build: { ssr: 'main.mjs', outDir: 'out' }, ssr })).toBe('device.unavailable');
});

test('Jest, ES modules', () => {
  write(
    'service.test.mjs',
    `import { shapeOf } from './service.mjs';
test('samples', async () => expect(await shapeOf(${JSON.stringify(model)})).toEqual([2, 3, 32, 32]), 60_000);
`,
  );
  const flags = { NODE_OPTIONS: '--experimental-vm-modules' };
  const results = JSON.parse(run('npx', ['jest', '--json', '--testMatch', '**/service.test.mjs'], flags)) as object;
  expect(results).toMatchObject({ success: true, numPassedTests: 1 });
});
