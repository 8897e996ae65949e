// A process that trains: `train-child.mjs train <config JSON>`, `… resume <folder> <steps>`, `… memory <config JSON>`.
// Prints a JSON line for each step (in mode `memory` with the memory in use), warning and checkpoint, and one at the
// end.
import { commands, resume, train, type TrainConfig } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';

tf.enableProdMode(); // suppresses tfjs's advice to install a native backend, as our commands do
const [mode = '', subject = '', steps] = process.argv.slice(2);
const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const interrupt = new AbortController();
process.on('SIGINT', () => interrupt.abort());

const host = {
  signal: interrupt.signal,
  onEvent: (event: { type: string; step?: number; message?: string }): void => {
    // RSS without most of the garbage
    if (mode === 'memory' && (event.step ?? 0) % 10 === 0) (globalThis as { gc?: () => void }).gc?.();
    if (event.type === 'step')
      print({
        step: event.step,
        ...(mode === 'memory' ? { rss: process.memoryUsage().rss, tensors: tf.memory().numTensors } : {}),
      });
    if (event.type === 'warning' || event.type === 'checkpoint') print(event);
  },
};
try {
  const { step, reason } =
    mode === 'resume'
      ? await resume(subject, { ...host, ...(steps === undefined ? {} : { steps: Number(steps) }) })
      : await train(JSON.parse(subject) as TrainConfig, host);
  print({ end: reason, step, commands: commands.map(({ name }) => name) });
} catch (error) {
  print({ error: error instanceof Error ? error.message : String(error), code: (error as { code?: string }).code });
  process.exitCode = 1;
}
