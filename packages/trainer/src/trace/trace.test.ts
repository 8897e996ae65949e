// Tracing against eager tfjs: a whole GAN step replayed kernel by kernel gives eager numbers, and nothing of tfjs is changed by a trace.
import { ExportError, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { withGradients } from '../gradients/index.js';
import { replay, type ReplayFeeds } from '../rewrite/replay.js';
import { ganFeeds, ganInputs, testGan } from './testing/gan.js';
import { trace } from './trace.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The caught error's message. */
function messageOf(fn: () => unknown, type: new (...args: never[]) => Error): string {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(type);
    return (error as Error).message;
  }
  throw new Error('expected an error');
}

const snapshot = (variables: readonly tf.Variable[]): Float32Array[] => variables.map((v) => v.dataSync().slice() as Float32Array);

describe('a traced GAN step', () => {
  it('replays to the numbers of eager tfjs with the same gradients', () => {
    const gan = testGan();
    const before = snapshot(gan.variables);
    const start = performance.now();
    const { program, variables } = trace(gan.step, { inputs: ganInputs(3), variables: 'state', known: gan.variables });
    console.log('trace ms', performance.now() - start, program.calls.length);
    console.log(program.calls.slice(0, 30).map((c) => `${c.kernel} ${c.layer} ${c.site}`).join('\n'));
    const feeds: ReplayFeeds = { ...ganFeeds(3) };
    for (const [name, variable] of variables) feeds[name] = { data: variable.dataSync() };
    const replayed = replay(program, feeds, { backend: 'cpu' });
    expect(snapshot(gan.variables)).toEqual(before);

    const inputs = Object.fromEntries(Object.entries(ganFeeds(3)).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]));
    const eager = withGradients(() => tf.tidy(() => gan.step(inputs)));
    expect(replayed['loss_d']?.data).toEqual(eager['loss_d']?.dataSync());
    expect(replayed['loss_g']?.data).toEqual(eager['loss_g']?.dataSync());
    for (const variable of gan.variables) expect(replayed[`${variable.name}/next`]?.data, variable.name).toEqual(variable.dataSync());
    tf.dispose([inputs, eager]);
    gan.dispose();
  });
});
