// For tests of jobs: a small generator, a Redis server of their own, and workers as processes whose lines are waited
// for.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { buildForTests } from '../../vitest.worker.js';
import { main } from '../cli/main.js';

const [SIZE, SIDE] = [8, 8];

/** latent [batch, 8] → tanh(latent · weights) as image [batch, 3, 8, 8]; `scale` makes another model. */
export function generatorFile(scale = 1): Uint8Array {
  const g = new GraphBuilder({ name: 'small' });
  const pixels = 3 * SIDE * SIDE;
  const weights = Float32Array.from({ length: SIZE * pixels }, (_, i) => scale * Math.sin(7 * i + 1));
  const sum = g.op('MatMul', [
    g.input('z', 'float32', ['batch', SIZE]),
    g.constant('float32', [SIZE, pixels], weights),
  ]);
  g.output('image', g.op('Reshape', [g.op('Tanh', [sum]), g.constant('int64', [4], [0, 3, SIDE, SIDE])]));
  return encodeModel(g.build());
}

/** Why there is no server to test with; undefined if there is. */
export const REDIS_MISSING: string | undefined =
  spawnSync('redis-server', ['--version']).status === 0
    ? undefined
    : 'redis-server is not installed (Debian: apt install redis-server)';

/** A server that keeps what it has across a restart. */
export interface RedisServer {
  url: string;
  port: number;
  /** Ends it, and waits for that. */
  stop(): Promise<void>;
}

/** Starts a server whose data is in `folder`; resolves when it answers. */
export async function startRedis(folder: string, port?: number): Promise<RedisServer> {
  const at = port ?? (await freePort());
  mkdirSync(folder, { recursive: true });
  const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'];
  const server = spawn('redis-server', ['--port', String(at), '--bind', '127.0.0.1', '--dir', folder, ...durable], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exit = once(server, 'exit');
  await until(server, /Ready to accept connections/);
  return {
    url: `redis://127.0.0.1:${at}`,
    port: at,
    stop: async () => {
      server.kill('SIGTERM');
      await exit;
    },
  };
}

/** `forja jobs work` as a process. */
export class WorkerProcess {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly #heard = new Set<() => void>();
  #over = false;

  constructor(bin: string, cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [bin, 'jobs', 'work', '--device', 'cpu', '--threads', '1', ...args], {
      cwd,
      env: { ...process.env, NODE_PATH: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      createInterface({ input: stream! }).on('line', (line) => {
        this.lines.push(line);
        this.#heard.forEach((one) => one());
      });
    this.child.on('close', () => {
      this.#over = true;
      this.#heard.forEach((one) => one());
    });
  }

  /** The first line that matches, now or later. Rejects if the process ends without one. */
  line(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.lines.map((line) => pattern.exec(line)).find((match) => match !== null);
        if (found) resolve(found);
        else if (this.#over) reject(new Error(`no line ${pattern} in:\n${this.lines.join('\n')}`));
        else return;
        this.#heard.delete(look);
      };
      this.#heard.add(look);
      look();
    });
  }

  /** Resolves when the process has ended, of whatever cause. */
  async over(): Promise<void> {
    if (!this.#over) await once(this.child, 'close');
  }

  /** Sends a signal and waits for the end of the process; its exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.#over) {
      const closed = once(this.child, 'close');
      this.child.kill(signal);
      await closed;
    }
    return this.child.exitCode;
  }
}

/** What tests of workers start with, and end. */
export interface JobsPlace {
  /** A folder of their own, with the generator `g.onnx`. */
  root: string;
  /** The command, bundled. */
  bin: string;
  /** Undefined where it is not installed. */
  redis: RedisServer | undefined;
  workers: WorkerProcess[];
  /** Starts a worker. */
  worker(...args: string[]): WorkerProcess;
  end(): Promise<void>;
}

/** A folder with the generator, the command, and a Redis server where it is installed. */
export async function jobsPlace(): Promise<JobsPlace> {
  const root = mkdtempSync(join(tmpdir(), 'forja-jobs-'));
  writeFileSync(join(root, 'g.onnx'), generatorFile());
  const bin = join(await buildForTests(), 'bin.js');
  const redis = REDIS_MISSING === undefined ? await startRedis(join(root, 'redis')) : undefined;
  const workers: WorkerProcess[] = [];
  return {
    root,
    bin,
    redis,
    workers,
    worker: (...args) => {
      const one = new WorkerProcess(bin, root, args);
      workers.push(one);
      return one;
    },
    end: async () => {
      await Promise.all(workers.map((one) => one.end('SIGKILL')));
      await redis?.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Runs `forja` in this process: its exit code, what it printed, and the value of `--json`. */
export async function forja(cwd: string, ...args: string[]): Promise<{ code: number; text: string; json: unknown }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await main(args, { cwd, stdout, stderr });
  const text = String(stdout.read() ?? '');
  return {
    code,
    text: text + String(stderr.read() ?? ''),
    json: args.includes('--json') ? (JSON.parse(text) as unknown) : undefined,
  };
}

/** The pictures of a folder, by name. */
export function picturesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.png'))
    .sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'base64')]));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when the process prints a line that matches; rejects when it ends first. */
function until(child: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout! });
    reader.on('line', (line) => (lines.push(line), pattern.test(line) && resolve()));
    child.once('exit', () => reject(new Error(`ended early:\n${lines.join('\n')}`)));
  });
}
