// What several test files of this package need: a small generator, counted workers, and scripts in a process of their
// own. Not part of the package.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { buildForTests } from './vitest.worker.js';

/** z [batch, 16] → dense → two transposed convolutions → tanh → image [batch, 3, 32, 32]. */
export function smallGenerator(width = 16): Uint8Array {
  const weights = (count: number, scale: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * scale);
  const up = { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] };
  const g = new GraphBuilder({ name: 'small' });
  const dense = g.op('MatMul', [
    g.input('z', 'float32', ['batch', 16]),
    g.constant('float32', [16, width * 64], weights(16 * width * 64, 1)),
  ]);
  const maps = g.op('Relu', [g.op('Reshape', [dense, g.constant('int64', [4], [0, width, 8, 8])])]);
  const middle = g.op('Relu', [
    g.op('ConvTranspose', [maps, g.constant('float32', [width, width, 4, 4], weights(width * width * 16, 0.2))], up),
  ]);
  g.output(
    'image',
    g.op('Tanh', [
      g.op('ConvTranspose', [middle, g.constant('float32', [width, 3, 4, 4], weights(width * 48, 0.2))], up),
    ]),
  );
  return encodeModel(g.build());
}

/** latent [batch, 4] and label [batch], of three classes → image [batch, 1, 2, 2]; without a manifest. */
export function conditionalGenerator(): Uint8Array {
  const g = new GraphBuilder({ name: 'conditional' });
  const z = g.input('latent', 'float32', ['batch', 4]);
  const rows = g.constant('float32', [3, 4], new Float32Array(12), 'rows');
  const moved = g.op('Add', [z, g.op('Gather', [rows, g.input('label', 'int64', ['batch'])], { axis: 0 })]);
  g.output('image', g.op('Reshape', [g.op('Tanh', [moved]), g.constant('int64', [4], [0, 1, 2, 2])]));
  return encodeModel(g.build());
}

/** Workers started from now on. */
export class Workers {
  readonly all: Worker[] = [];
  readonly live: Set<Worker> = new Set<Worker>();
  readonly #started = (worker: Worker): void => {
    this.all.push(worker);
    this.live.add(worker);
    worker.once('exit', () => this.live.delete(worker));
  };

  constructor() {
    process.on('worker', this.#started);
  }

  /** `[started, live]`. */
  get counts(): [number, number] {
    return [this.all.length, this.live.size];
  }

  stop(): void {
    process.off('worker', this.#started);
  }
}

/**
 * Turns of this thread's event loop during the freest of a few calls: more than `enough` where calls leave it alone,
 * also on a machine that gives this thread little time.
 */
export async function turnsDuring(call: () => Promise<unknown>, enough: number): Promise<number> {
  let most = 0;
  for (let i = 0; i < 5 && most <= enough; i++) {
    let [turns, going] = [0, true];
    const tick = (): void => {
      turns++;
      if (going) setImmediate(tick);
    };
    const calling = call();
    setImmediate(tick);
    await calling;
    going = false;
    most = Math.max(most, turns);
  }
  return most;
}

/** How a script ended. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Folder with a script or more; `remove()` it at the end. */
export class Scripts {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'forja-scripts-'));
  #next = 0;

  /** Runs `body` as a module that may use `load`, `runtime` and the native `ort`. `onLine` may act on the process. */
  async run(
    body: string,
    flags: readonly string[] = [],
    onLine: (line: string, pid: number) => void = () => undefined,
    patienceMs = 300_000,
  ): Promise<Ending> {
    const library = join(await buildForTests(), 'index.js');
    const native = createRequire(fileURLToPath(import.meta.url)).resolve('onnxruntime-node');
    const file = join(this.folder, `script-${this.#next++}.mjs`);
    writeFileSync(
      file,
      `import { load, runtime } from ${JSON.stringify(pathToFileURL(library).href)};
import ort from ${JSON.stringify(pathToFileURL(native).href)};
${body}`,
    );
    const child = spawn(process.execPath, [...flags, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ending: Ending = { code: null, signal: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      ending.stdout += text;
      for (const line of text.split('\n').filter(Boolean)) onLine(line, child.pid ?? 0);
    });
    child.stderr.on('data', (chunk: Buffer) => (ending.stderr += chunk.toString()));
    const patience = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    // Not `close`: a child of its own may keep the pipes.
    return new Promise((resolve) =>
      child.once('exit', (code, signal) => {
        clearTimeout(patience);
        setImmediate(() => resolve({ ...ending, code, signal }));
      }),
    );
  }

  /** The path of `bytes` as a file. */
  file(name: string, bytes: Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, bytes);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs `forja` with `--json`: how it ended, and what it printed. */
export type Project = (
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
) => { status: number | null; signal: string | null; result: Record<string, unknown> };

/**
 * A project in `folder` that has this package's dependencies except `without`; `native`: files put beside the binding
 * of an onnxruntime-node of its own.
 */
export async function projectOf(
  folder: string,
  { without = [], native }: { without?: readonly string[]; native?: Readonly<Record<string, Uint8Array>> },
): Promise<Project> {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  const ours = fileURLToPath(new URL('./node_modules/', import.meta.url));
  const own = native ? ['onnxruntime-node'] : [];
  for (const name of readdirSync(ours))
    if (!name.startsWith('.') && ![...without, ...own].includes(name))
      symlinkSync(realpathSync(join(ours, name)), join(modules, name));
  if (native) {
    const file = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
    cpSync(dirname(file), join(modules, 'onnxruntime-node'), { recursive: true, dereference: true });
    // The nearest folder above its entry that is the package's.
    const common =
      /^.*[\\/]onnxruntime-common(?=[\\/])/.exec(createRequire(file).resolve('onnxruntime-common'))?.[0] ?? '';
    symlinkSync(common, join(modules, 'onnxruntime-common'));
    const bin = join(modules, 'onnxruntime-node/bin/napi-v6', process.platform, process.arch);
    for (const [name, bytes] of Object.entries(native)) writeFileSync(join(bin, name), bytes);
  }
  cpSync(await buildForTests(), join(folder, 'forja'), { recursive: true });
  return (args, env = {}) => {
    const { status, signal, stdout } = spawnSync(
      process.execPath,
      ['--no-warnings', join(folder, 'forja/bin.js'), ...args, '--json'],
      { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } },
    );
    return { status, signal, result: JSON.parse(stdout) as Record<string, unknown> };
  };
}
