// What the browser tests ask of the Node side: misbehaving model addresses, and reference runs by onnxruntime-node.
import { createRequire } from 'node:module';
import type { ServerResponse } from 'node:http';
import type { BrowserContext, Worker } from 'playwright-core';
import type { Plugin } from 'vite';
import type { BrowserCommand } from 'vitest/node';
import { importInNode } from './bundle.js';
import { answerAs, setAnswer } from './models-served.js';
import type { Answer } from './models-served.js';
import type { Game, Outcome } from './step-scenario.js';
import type { Made, Projected } from './systems-in-node.js';

/** Addresses under `/__forja/` and how each answers. */
const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  missing: (response) => {
    response.statusCode = 404;
    response.end('not here');
  },
  broken: (response) => {
    response.statusCode = 500;
    response.end('oops');
  },
  page: (response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>Not a model</title>');
  },
  empty: (response) => void response.end(),
  cut: (response) => {
    response.setHeader('Content-Length', 100_000);
    response.write(Buffer.alloc(1000, 8), () => response.destroy());
  },
  // Begins and never ends: for abort.
  endless: (response) => {
    response.setHeader('Content-Length', 100_000);
    response.write(Buffer.alloc(1000, 8));
  },
};

/** Serves {@link ANSWERS}. */
export function misbehavingServer(): Plugin {
  return {
    name: 'forja-test-server',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const set = /^\/__forja\/set\/([\w-]+)/.exec(request.url ?? '')?.[1];
        if (set !== undefined) return answerAs(set, request, response);
        if (request.url === '/__forja/faulty/worker.js') return faultyWorker(response);
        const name = /^\/__forja\/(\w+)/.exec(request.url ?? '')?.[1];
        const answer = name === undefined ? undefined : ANSWERS[name];
        if (!answer) return next();
        answer(response);
      });
    },
  };
}

/** The worker's sources with faults in front: see faults.ts. Asked for by the option `assets`. */
function faultyWorker(response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/javascript');
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  response.end("import '/tests/browser/faults.ts'; import '/packages/web/src/worker.ts';");
}

/** See {@link setAnswer}. */
const answer: BrowserCommand<[name: string, answer: Answer]> = (_context, name, how) => setAnswer(name, how);

/** Runs a model with one float32 input and output on the CPU of Node. Plain arrays, because that is what crosses. */
const runInNode: BrowserCommand<[model: number[], name: string, shape: number[], data: number[]]> = async (
  _context,
  model,
  name,
  shape,
  data,
) => {
  const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof import('onnxruntime-node');
  const session = await ort.InferenceSession.create(Uint8Array.from(model), { intraOpNumThreads: 1 });
  const results = await session.run({ [name]: new ort.Tensor('float32', Float32Array.from(data), shape) });
  await session.release();
  const [output] = Object.values(results);
  return { shape: [...(output?.dims ?? [])], data: [...((output?.data ?? []) as Float32Array)] };
};

const seen: string[] = [];

/**
 * From its first call on, collects the addresses that page and workers ask for; returns those asked for since the last
 * call.
 */
const requests: BrowserCommand<[]> = ({ context }) => {
  if (!watched.has(context)) {
    watched.add(context);
    context.on('request', (request) => seen.push(request.url()));
  }
  return seen.splice(0);
};
const watched = new WeakSet<object>();

/** The training scenario of train.test.ts in Node, from the sources that the page has. */
const stepsInNode: BrowserCommand<[game: Game, count: number]> = async (_, game, count) =>
  ((await importInNode('step-in-node')) as typeof import('./step-in-node.js')).stepsInNode(game, count);

type Systems = typeof import('./systems-in-node.js');

/** The systems' files of systems.test.ts in Node. */
const filesInNode: BrowserCommand<[name: string]> = async (_context, name) =>
  ((await importInNode('systems-in-node')) as Systems).filesInNode(name);

/** The projection of systems.test.ts in Node. */
const projectInNode: BrowserCommand<Parameters<Systems['projectInNode']>> = async (_context, options) =>
  ((await importInNode('systems-in-node')) as Systems).projectInNode(options);

/** Our workers that the pages of this run have now; `faulty`: those with faults. */
const workers: BrowserCommand<[kind?: 'faulty']> = ({ context }, kind) =>
  workersOf(context).filter((worker) => !before.has(worker) && worker.url().includes(kind ?? '/packages/web/')).length;

/**
 * Leaves the workers of earlier files out of `workers`. Their frames are gone, but Chromium may never end a worker that
 * was killed, as tests of faults do, while one that it had started was ending (see `web/src/preparation.ts`).
 */
const forgetWorkers: BrowserCommand<[]> = ({ context }) => workersOf(context).forEach((worker) => before.add(worker));
const before = new WeakSet<object>();

const workersOf = (context: BrowserContext): Worker[] => context.pages().flatMap((page) => page.workers());

/** Commands of the project. */
export const commands = {
  answer,
  filesInNode,
  forgetWorkers,
  projectInNode,
  requests,
  runInNode,
  stepsInNode,
  workers,
};

declare module 'vitest/browser' {
  interface BrowserCommands {
    runInNode(
      model: number[],
      name: string,
      shape: number[],
      data: number[],
    ): Promise<{ shape: number[]; data: number[] }>;
    answer(name: string, answer: Answer): Promise<{ asked: number; bodies: number }>;
    requests(): Promise<string[]>;
    stepsInNode(game: Game, count: number): Promise<Outcome>;
    filesInNode(name: string): Promise<Made[]>;
    projectInNode(options: { starts: number; steps: number; label: string }): Promise<Projected>;
    workers(kind?: 'faulty'): Promise<number>;
    forgetWorkers(): Promise<void>;
  }
}
