// A new user's project: the four tarballs and their peers installed by npm into an empty folder. Every entry can be
// imported and required without loading native code; declarations compile with skipLibCheck off; the bins run; and the
// page's part of @forja/web stays within its size.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { packages, root } from './support/pack.js';

const tarballs = inject('tarballs');
const catalog = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
const pinned = (name: string): string => `${name}@${new RegExp(`^ {2}'?${name}'?: (\\S+)$`, 'm').exec(catalog)![1]!}`;

/** What a user imports, and the libraries of TypeScript that its declarations may need. */
const entries: [entry: string, lib: string[], types: string[]][] = [
  ['@forja/core', ['es2022'], []],
  ['@forja/core/page', ['es2022'], []],
  ['@forja/core/onnx', ['es2022'], []],
  ['@forja/core/conformance', ['es2022'], []],
  ['@forja/node', ['es2022'], ['node']],
  ['@forja/node/cli', ['es2022'], ['node']],
  ['@forja/node/serve', ['es2022'], ['node']],
  ['@forja/web', ['es2022', 'dom'], []],
  ['@forja/trainer', ['es2022', 'dom'], ['node']],
  ['@forja/trainer/node', ['es2022', 'dom'], ['node']],
];

/** `await using` as a user writes it, for entries whose objects hold a worker or a session. */
const loads = `import { load, runtime } from '@forja/ENTRY';
export async function use(): Promise<void> {
  await using generator = await load('x');
  await using host = runtime();
  await using session = await host.createSession(new Uint8Array());
  await generator.sample();
  await session.run({});
}
`;
const trains = `import { compile, eagerStep } from '@forja/ENTRY';
export async function use(): Promise<void> {
  await using step = await compile(() => ({}), { inputs: {}, runtime: undefined as never });
  await using eager = eagerStep(() => ({}), { inputs: {} });
  await step.run();
  await eager.run();
}
`;
const USES: Readonly<Record<string, string>> = {
  '@forja/node': loads,
  '@forja/web': loads,
  '@forja/trainer': trains,
  '@forja/trainer/node': trains,
};

let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'forja-install-'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  const wanted = [
    ...packages.map((name) => tarballs[name]!),
    ...['@tensorflow/tfjs', 'onnxruntime-node', 'onnxruntime-web'].map(pinned),
    '@types/node@20',
  ];
  execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', ...wanted], {
    cwd: project,
    // As behind a firewall: the install script only fetches the CUDA provider.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
}, 600_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

/** Runs a user's script; `native` lists the .node files that it loaded. */
function run(source: string, type: 'module' | 'commonjs'): { status: number | null; output: string } {
  const file = join(project, `try.${type === 'module' ? 'mjs' : 'cjs'}`);
  writeFileSync(file, source);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: project, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe.each(entries)('%s', (entry, lib, types) => {
  const watch =
    'const native = []; const open = process.dlopen; process.dlopen = (m, f, ...r) => { native.push(f); return open.call(process, m, f, ...r); };';
  const say = "console.log('exports', Object.keys(all).length, 'native', native.length);";

  test('imports, and loads no native code', () => {
    const { status, output } = run(`${watch} const all = await import('${entry}'); ${say}`, 'module');
    expect(output).toMatch(/exports [1-9]\d* native 0\n/);
    expect(status).toBe(0);
  });

  test('can be required from CommonJS', () => {
    const { status, output } = run(`${watch} const all = require('${entry}'); ${say}`, 'commonjs');
    expect(output).toMatch(/exports [1-9]\d* native 0\n/);
    expect(status).toBe(0);
  });

  test('has declarations that compile alone with `await using`, skipLibCheck off', () => {
    const folder = join(project, 'types', entry.replaceAll('/', '-'));
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'use.ts'),
      `import * as all from '${entry}';\nexport const names: string[] = Object.keys(all);\n` +
        (USES[entry] ?? '').replace('@forja/ENTRY', entry),
    );
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: false,
      target: 'es2022',
      module: 'nodenext',
      moduleResolution: 'nodenext',
      lib,
      types,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
    const { stdout } = spawnSync(
      process.execPath,
      [join(root, 'node_modules/typescript/lib/tsc.js'), '-p', folder, '--pretty', 'false'],
      { cwd: folder, encoding: 'utf8' },
    );
    // tfjs's own declarations do not compile alone (they want node-fetch and WebGPU types); ours must.
    const ours = stdout
      .split('\n')
      .filter((line) => /^\S.*error TS/.test(line) && !/node_modules\/(?!@forja\/)/.test(line));
    expect(ours).toEqual([]);
  });
});

test('installs without the peer onnxruntime-node, whose install script needs NuGet, and runs as WebAssembly', () => {
  const plain = mkdtempSync(join(tmpdir(), 'forja-plain-'));
  try {
    writeFileSync(join(plain, 'package.json'), JSON.stringify({ name: 'plain', private: true, type: 'module' }));
    const { ONNXRUNTIME_NODE_INSTALL: _, ...env } = process.env;
    execFileSync(
      'npm',
      [
        'install',
        '--omit=peer',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
        tarballs['core']!,
        tarballs['node']!,
        pinned('onnxruntime-web'),
      ],
      { cwd: plain, env, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' },
    );
    expect(existsSync(join(plain, 'node_modules/onnxruntime-node'))).toBe(false);
    writeFileSync(
      join(plain, 'use.mjs'),
      `
      import { encodeModel, GraphBuilder } from '@forja/core/onnx';
      import { load } from '@forja/node';
      const g = new GraphBuilder();
      g.output('image', g.op('Reshape', [g.op('Tanh', [g.input('z', 'float32', ['batch', 12])]), g.constant('int64', [4], [0, 3, 2, 2])]));
      const generator = await load(encodeModel(g.build()));
      const { count, width } = await generator.sample({ count: 2 });
      console.log(JSON.stringify({ count, width, actual: generator.device.actual, reasons: generator.device.reasons.length > 0 }));
      await generator.dispose();`,
    );
    expect(JSON.parse(execFileSync(process.execPath, ['use.mjs'], { cwd: plain, encoding: 'utf8' }))).toEqual({
      count: 2,
      width: 2,
      actual: 'wasm',
      reasons: true,
    });
  } finally {
    rmSync(plain, { recursive: true, force: true });
  }
}, 300_000);

test('one copy of TensorFlow.js is installed', () => {
  const paths = execFileSync('npm', ['ls', '@tensorflow/tfjs-core', '--parseable', '--all'], {
    cwd: project,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  expect(new Set(paths.trim().split('\n')).size).toBe(1);
});

test.each([
  ['forja', '--help'],
  ['forja-web-assets', '--help'],
])('%s %s answers', (bin, flag) => {
  const { status, stdout, stderr } = spawnSync(join(project, 'node_modules', '.bin', bin), [flag], {
    cwd: project,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  expect(stdout + stderr).toContain(bin);
  expect(status).toBe(0);
});

describe('forja init', () => {
  const bin = (): string => join(project, 'node_modules', '@forja', 'node', 'dist', 'bin.js');
  const call = (cwd: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
    return stdout;
  };
  /** A project inside the installed one, whose packages it resolves. */
  function start(kind: string): string {
    call(project, bin(), 'init', `start-${kind}`, '--kind', kind);
    return join(project, `start-${kind}`);
  }

  test('a service passes its own test', () => {
    expect(call(start('service'), '--test', '--test-reporter=tap')).toMatch(/# pass 2\n# fail 0/);
  });

  test('training: pictures, a run, a picture of its generator', () => {
    const folder = start('training');
    const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    // Like `npm run`, but smaller.
    const script = (name: string): string => call(folder, bin(), ...scripts[name]!.split(' ').slice(1));
    scripts['pictures'] = scripts['pictures']!.replace('256', '16');
    script('pictures');
    const config = join(folder, 'config.json');
    const given = JSON.parse(readFileSync(config, 'utf8')) as { data: object };
    const data = { ...given.data, size: 8 };
    writeFileSync(config, JSON.stringify({ ...given, data, steps: 2, batch: 4, base: 4 }));
    for (const name of ['train', 'sample', 'inspect', 'export']) script(name);
    expect(readFileSync(join(folder, 'samples.png')).subarray(1, 4).toString()).toBe('PNG');
    expect(existsSync(join(folder, 'graph.html'))).toBe(true);
    expect(existsSync(join(folder, 'model_repository/pictures/1/model.onnx'))).toBe(true);
  });
});

test('the package.json of each package can be read', () => {
  const require = createRequire(join(project, 'index.js'));
  for (const name of packages)
    expect((require(`@forja/${name}/package.json`) as { name: string }).name).toBe(`@forja/${name}`);
});

describe('sizes', () => {
  /** Gzipped bytes that a page loads before any dynamic import. */
  async function initial(source: string, external: string[]): Promise<number> {
    const { outputFiles, metafile } = await build({
      stdin: { contents: source, resolveDir: project },
      bundle: true,
      minify: true,
      splitting: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      outdir: join(project, 'bundle'),
      write: false,
      metafile: true,
      external,
    });
    const files = closure(metafile, 'stdin');
    return outputFiles
      .filter((file) => files.has(file.path.split(/[\\/]/).pop()!))
      .reduce((sum, file) => sum + gzipSync(file.contents, { level: 9 }).length, 0);
  }

  /** Names of the outputs that the entry imports statically, itself included. */
  function closure({ outputs }: Metafile, entry: string): Set<string> {
    const start = Object.keys(outputs).find((path) => path.endsWith(`${entry}.js`))!;
    const seen = new Set<string>();
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      for (const to of outputs[path]?.imports ?? []) if (to.kind === 'import-statement' && !to.external) visit(to.path);
    };
    visit(start);
    return new Set([...seen].map((path) => path.split('/').pop()!));
  }

  // The files that a page fetches to load and sample are measured in Chromium by web-page.test.ts.
  const bars: [what: string, source: string, bar: number][] = [
    ['@forja/web, everything', "export * from '@forja/web';", 15_000],
    ['@forja/web, load and toCanvas', "export { load, toCanvas } from '@forja/web';", 15_000],
    ['@forja/core, latents only', "export { latents } from '@forja/core';", 3_000],
  ];

  test.each(bars)('%s', async (what, source, bar) => {
    const bytes = await initial(source, ['onnxruntime-web', 'onnxruntime-web/*']);
    console.log(`${what}: ${(bytes / 1000).toFixed(1)} kB gzipped (at most ${bar / 1000} kB)`);
    expect(bytes).toBeLessThanOrEqual(bar);
  });
});
