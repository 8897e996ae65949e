// State of functions and layers between calls: it is refused by name, or becomes inputs and outputs; tfjs's caches stay
// unchanged. Reference: tfjs eager.
import { ExportError, type NamedTensors, type Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import { compile, exportOnnx, verifyOnnx, type ExportOptions } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());
afterEach(() => tf.disposeVariables());

type Fn = (x: tf.Tensor) => tf.Tensor;
const inputs = [{ name: 'x', shape: ['batch', 3] }];

async function refusal(fn: Fn, options: ExportOptions = {}): Promise<string> {
  const failure: unknown = await exportOnnx(fn, { inputs, verify: false, ...options }).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(ExportError);
  expect(failure).toMatchObject({ code: 'export.unsupported' });
  return (failure as Error).message;
}

/** The running mean of what it is given. */
function centred(seen: tf.Variable): Fn {
  return (x) => {
    const mean = seen.mul(0.9).add(x.mean(0).mul(0.1));
    seen.assign(mean);
    return x.sub(mean);
  };
}

describe('a variable that a function assigns and reads', () => {
  it('is refused by name and line', async () => {
    const text = await refusal(centred(tf.variable(tf.zeros([3]), false, 'memory-seen')));
    expect(text).toMatch(/'memory-seen' \(assigned at \S*memory\.test\.ts:\d+:\d+\)/);
    expect(text).toContain("state: 'explicit'");
  });

  it.each<[string, (v: tf.Variable, w: tf.Variable) => Fn, string[]]>([
    [
      'read before it is assigned',
      (v) => (x) => {
        const y = x.mul(v);
        v.assign(v.add(1));
        return y;
      },
      ['memory-v'],
    ],
    [
      'read after it is assigned',
      (v) => (x) => {
        v.assign(v.add(x.mean(0)));
        return x.mul(v);
      },
      ['memory-v'],
    ],
    [
      'through another',
      (v, w) => (x) => {
        v.assign(w);
        w.assign(x.mean(0));
        return x.mul(v);
      },
      ['memory-w'],
    ],
    [
      'by an optimizer',
      (v) => (x) => {
        const { grads } = tf.variableGrads(() => x.mul(v).sum(), [v]);
        tf.train.sgd(0.1).applyGradients(grads);
        return x.mul(v);
      },
      ['memory-v'],
    ],
    [
      'in a scope',
      (v) => (x) =>
        tf.tidy(() => {
          v.assign(v.mul(2));
          return x.add(v);
        }),
      ['memory-v'],
    ],
  ])('is found: %s', async (_, make, names) => {
    const [v, w] = ['memory-v', 'memory-w'].map((name) => tf.variable(tf.ones([3]), true, name));
    const text = await refusal(make(v as tf.Variable, w as tf.Variable));
    for (const name of names) expect(text).toContain(`'${name}'`);
    expect([...(v?.dataSync() ?? [])]).toEqual([1, 1, 1]);
  });

  it('is not state if results do not depend on its old value: moving statistics of a batch', async () => {
    const model = tf.sequential({ layers: [tf.layers.batchNormalization({ inputShape: [3] })] });
    const { report } = await exportOnnx((x: tf.Tensor) => model.apply(x, { training: true }) as tf.Tensor, {
      inputs,
      verify: { runtime: onnx },
    });
    expect(report.verified).toBe('passed');
    const counter = tf.variable(tf.scalar(0));
    const counted = await exportOnnx(
      (x: tf.Tensor) => {
        counter.assign(counter.add(1));
        return x.relu();
      },
      {
        inputs,
        verify: { runtime: onnx },
      },
    );
    expect(counted.report.verified).toBe('passed');
  });

  it('becomes an input and an output on request, and a session keeps it as tfjs does', async () => {
    const seen = tf.variable(tf.tensor1d([1, 0, -1]), false, 'memory-kept');
    const fn = centred(seen);
    const options = { inputs, state: 'explicit' as const };
    const { model, state, report } = await exportOnnx(fn, { ...options, verify: { runtime: onnx } });
    expect(report.inputs.map(({ name, role, shape }) => [name, role, shape])).toEqual([
      ['x', 'tensor', ['batch', 3]],
      ['memory-kept', 'tensor', [3]],
    ]);
    expect(state).toEqual({
      'memory-kept': {
        output: 'memory-kept_next',
        initial: { dtype: 'float32', shape: [3], data: Float32Array.of(1, 0, -1) },
      },
    });
    await verifyOnnx(model, fn, { ...options, runtime: onnx });
    const session = await onnx.createSession(model, { state: state ?? {} });
    try {
      for (let call = 1; call <= 3; call++) {
        const x = tf.tensor2d([call, 2, 3, 0, call, 1], [2, 3]);
        const feeds: NamedTensors = { x: { dtype: 'float32', shape: [2, 3], data: x.dataSync() as Float32Array } };
        const { output } = await session.run(feeds);
        expect(output?.data as Float32Array, `call ${call}`).toBeAllclose(fn(x).dataSync() as Float32Array, {
          atol: 1e-6,
          rtol: 1e-6,
        });
      }
    } finally {
      await session.dispose();
    }
  });
});

describe('state that a function keeps elsewhere', () => {
  it.each<[string, () => Fn, RegExp]>([
    [
      'a tensor',
      () => {
        let m: tf.Tensor = tf.zeros([3]);
        return (x) => {
          m = tf.keep(m.add(x.mean(0)));
          return x.sub(m);
        };
      },
      /disposed; .*remembers/,
    ],
    [
      'a number',
      () => {
        let n = 0;
        return (x) => x.mul(++n);
      },
      /same constants from two traces/,
    ],
    [
      'a number that is an attribute',
      () => {
        let n = 0;
        return (x) => tf.leakyRelu(x, ++n);
      },
      /memory\.test.*same calls from two traces.*LeakyRelu/,
    ],
    [
      'its first call',
      () => {
        let first = true;
        return (x) => {
          const y = first ? tf.relu(x) : tf.tanh(x);
          first = false;
          return y;
        };
      },
      /memory\.test.*same calls from two traces.* Relu/,
    ],
  ])('is refused: %s', async (_, make, message) => {
    expect(await refusal(make(), { inputs: [{ name: 'x', shape: [2, 3] }] })).toMatch(message);
  });

  it('is refused: the state of a stateful layer, which stays as it was', async () => {
    const model = tf.sequential({
      layers: [tf.layers.lstm({ units: 4, stateful: true, batchInputShape: [2, 5, 3], name: 'memory_lstm' })],
    });
    const predict = (): Float32Array =>
      tf.tidy(() => (model.predict(tf.ones([2, 5, 3])) as tf.Tensor).dataSync()) as Float32Array;
    const twin = tf.sequential({ layers: [tf.layers.lstm({ units: 4, stateful: true, batchInputShape: [2, 5, 3] })] });
    twin.setWeights(model.getWeights());
    const expected = [0, 1, 2].map(() => tf.tidy(() => (twin.predict(tf.ones([2, 5, 3])) as tf.Tensor).dataSync()));
    for (const numbers of expected) {
      await expect(exportOnnx(model, { verify: false })).rejects.toMatchObject({
        code: 'export.unsupported',
        message: expect.stringContaining("'memory_lstm.states_'") as unknown,
      });
      expect(predict()).toEqual(numbers);
    }
  });
});

it('the state of a stateful layer is refused in a compiled step too: only variables are state', async () => {
  const layer = tf.layers.lstm({ units: 2, stateful: true, batchInputShape: [1, 2, 3], name: 'step_lstm' });
  layer.apply(tf.ones([1, 2, 3]));
  const step = (feeds: Record<string, tf.Tensor>) => ({ y: layer.apply(feeds['x'] as tf.Tensor) as tf.Tensor });
  await expect(compile(step, { inputs: { x: { shape: [1, 2, 3] } }, runtime: onnx })).rejects.toRefuse(
    'export.unsupported',
    'step_lstm.states_',
  );
});

describe('recurrent layers with dropout', () => {
  const sized = { units: 4, dropout: 0.2, recurrentDropout: 0.3 };
  const cells = {
    lstm: () => tf.layers.lstm({ ...sized, inputShape: [5, 3] }),
    gru: () => tf.layers.gru({ ...sized, inputShape: [5, 3] }),
    simpleRNN: () => tf.layers.simpleRNN({ ...sized, inputShape: [5, 3] }),
    'rnn of a cell': () => tf.layers.rnn({ cell: tf.layers.gruCell(sized), inputShape: [5, 3] }),
    'rnn of cells': () =>
      tf.layers.rnn({ cell: [tf.layers.lstmCell(sized), tf.layers.simpleRNNCell(sized)], inputShape: [5, 3] }),
    bidirectional: () =>
      tf.layers.bidirectional({ layer: tf.layers.lstm(sized) as tf.RNN, mergeMode: 'concat', inputShape: [5, 3] }),
  };
  it.each(Object.entries(cells))('%s: before and after predict and fit, and works afterwards', async (_, make) => {
    const model = tf.sequential({ layers: [make(), tf.layers.dense({ units: 1 })] });
    const x = tf.randomNormal([2, 5, 3], 0, 1, 'float32', 3);
    const predict = (): Float32Array => tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync()) as Float32Array;
    const verified = async (): Promise<void> => {
      const { report } = await exportOnnx(model, { verify: { runtime: onnx, seeds: 1 } });
      expect(report.verified).toBe('passed');
    };
    await verified();
    const before = predict();
    await verified();
    expect(predict()).toEqual(before);
    model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
    await model.fit(x, tf.ones([2, 1]), { verbose: 0 });
    const tensors = tf.memory().numTensors;
    await verified();
    expect(tf.memory().numTensors).toBe(tensors);
    await model.fit(x, tf.ones([2, 1]), { verbose: 0 });
  });

  it('a refusal leaves a layer that was applied in the function as it was', async () => {
    const dense = tf.layers.dense({ units: 2 });
    const fn: Fn = (x) => dense.apply(x) as tf.Tensor;
    await expect(exportOnnx(fn, { inputs, verify: false })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('made in it') as unknown,
    });
    expect(dense.built).toBe(false);
    expect((dense.apply(tf.ones([2, 3])) as tf.Tensor).shape).toEqual([2, 2]);
  });
});

describe('a function that is asynchronous', () => {
  it.each<[string, unknown]>([
    [
      'a promise',
      async (x: tf.Tensor) => {
        await Promise.resolve();
        return x.square();
      },
    ],
    ['promises by name', () => ({ a: Promise.reject(new Error('late')) })],
    ['promises in a list', (x: tf.Tensor) => [x, Promise.reject(new Error('late'))]],
    ['a promise of another realm', () => ({ then: (_: unknown, no: (e: Error) => void) => no(new Error('late')) })],
  ])('is refused, and what becomes of it harms nobody: %s', async (_, fn) => {
    const heard: unknown[] = [];
    const hear = (reason: unknown): void => void heard.push(reason);
    process.on('unhandledRejection', hear);
    try {
      const given = fn as Fn; // JavaScript callers pass such
      await expect(exportOnnx(given, { inputs, verify: false })).rejects.toMatchObject({ code: 'usage' });
      const { model } = await exportOnnx((x: tf.Tensor) => x.relu(), { inputs, verify: false });
      await expect(verifyOnnx(model, given, { inputs, runtime: onnx })).rejects.toMatchObject({ code: 'usage' });
      // Node reports rejections at the end of a turn of the event loop.
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toEqual([]);
    } finally {
      process.removeListener('unhandledRejection', hear);
    }
  });
});
