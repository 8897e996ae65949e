// For tests of the service: `forja serve` as a process, and a model that keeps it busy.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';

/** A running `forja serve`. */
export interface ServiceProcess {
  child: ChildProcessWithoutNullStreams;
  said: { out: string; err: string };
  /** Its exit code, or the signal that ended it. */
  ended: Promise<[number | null, string | null]>;
  url: string;
}

/** z [batch, 4] → image [batch, 1, 2, 2], slow enough that requests queue up. */
export function slowModel(): Uint8Array {
  const side = 512;
  const g = new GraphBuilder({ name: 'slow' });
  const z = g.input('z', 'float32', ['batch', 4]);
  const weights = (rows: number, columns: number, name: string) =>
    g.constant('float32', [rows, columns], new Float32Array(rows * columns).fill(1 / rows), name);
  let x = g.op('MatMul', [z, weights(4, side, 'first')]);
  const middle = weights(side, side, 'middle');
  for (let i = 0; i < 60; i++) x = g.op('Tanh', [g.op('MatMul', [x, middle])]);
  g.output(
    'image',
    g.op('Reshape', [g.op('MatMul', [x, weights(side, 4, 'last')]), g.constant('int64', [4], [0, 1, 2, 2])]),
  );
  return encodeModel(g.build());
}

/** Starts it; resolves when it is ready, or has ended. `said` has what it printed so far. */
export async function startService(bin: string, cwd: string, args: readonly string[]): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [bin, 'serve', ...args, '--port', '0', '--device', 'cpu', '--threads', '1'], {
    cwd,
    env: { ...process.env, NODE_PATH: '' },
  });
  const said = { out: '', err: '' };
  const ended = once(child, 'close') as Promise<[number | null, string | null]>; // 'close' gives these
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said.out += chunk.toString();
      if (said.out.includes('Ready:')) resolve();
    });
  });
  await Promise.race([ready, ended]);
  return { child, said, ended, url: /http:\S+\d/.exec(said.out)?.[0] ?? '' };
}
