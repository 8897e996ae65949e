// Tracing against eager tfjs: a GAN step replayed kernel by kernel gives eager numbers; and what a traced function may
// and may not do.
import { ExportError, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { withGradients } from '../gradients/index.js';
import { replay, type ReplayFeeds } from '../program/replay.js';
import { printProgram } from '../program/program.js';
import { SHAPE_RULES } from './shapes/index.js';
import { ganFeeds, ganInputs, testGan } from './testing/gan.js';
import { trace, type Trace, type TraceInput } from './trace.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Traced = Parameters<typeof trace>[0];
const x34: TraceInput = { name: 'x', dtype: 'float32', shape: [3, 4] };
const of = (
  fn: (x: tf.Tensor) => tf.Tensor,
  input: TraceInput = x34,
  variables: 'state' | 'constant' = 'state',
): Trace => trace(only(fn), { inputs: [input], variables });
const only =
  (fn: (x: tf.Tensor) => tf.Tensor): Traced =>
  ({ x }) => ({ y: fn(x as tf.Tensor) });
const kernels = ({ program }: Trace): string[] => program.calls.map((call) => call.kernel);

/** The message of what `fn` throws, which must be of this class. */
function messageOf(fn: () => unknown, type: new (...args: never[]) => Error): string {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(type);
    return (error as Error).message;
  }
  throw new Error('expected an error');
}

const snapshot = (variables: readonly tf.Variable[]): Float32Array[] =>
  variables.map((v) => v.dataSync().slice() as Float32Array);

describe('a traced GAN step', () => {
  it('replays to the same numbers as eager tfjs with the same gradients, and does not change variables', () => {
    const gan = testGan();
    const before = snapshot(gan.variables);
    const { program, variables } = trace(gan.step, { inputs: ganInputs(3), variables: 'state', known: gan.variables });
    expect(snapshot(gan.variables)).toEqual(before);
    expect([...variables.values()]).toEqual(gan.variables);
    const feeds: ReplayFeeds = {
      ...ganFeeds(3),
      ...Object.fromEntries([...variables].map(([name, v]) => [name, { data: v.dataSync() }])),
    };
    const replayed = replay(program, feeds, { backend: 'cpu' });

    const inputs = Object.fromEntries(
      Object.entries(ganFeeds(3)).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]),
    );
    const eager = withGradients(() => tf.tidy(() => gan.step(inputs)));
    for (const name of ['loss_d', 'loss_g']) expect(replayed[name]?.data).toEqual(eager[name]?.dataSync());
    for (const variable of gan.variables)
      expect(replayed[`${variable.name}/next`]?.data, variable.name).toEqual(variable.dataSync());
    tf.dispose([inputs, eager]);
    gan.dispose();
  });

  it('is printed the same each time', () => {
    const gan = testGan();
    const options = { inputs: ganInputs(2), variables: 'state' as const };
    expect(printProgram(trace(gan.step, options).program)).toBe(printProgram(trace(gan.step, options).program));
    gan.dispose();
  });
});

describe('variables', () => {
  it('are inputs where read, outputs where assigned, and read as assigned afterwards', () => {
    const [w, other] = [tf.variable(tf.ones([4]), true, 'trace-w'), tf.variable(tf.ones([4]), true, 'trace-other')];
    const { program, variables } = of((x) => {
      w.assign(w.mul(2) as tf.Tensor1D);
      return x.mul(w);
    });
    expect(program.inputs.map(({ name, kind }) => [name, kind])).toEqual([
      ['x', 'feed'],
      ['trace-w', 'state'],
    ]);
    expect(program.outputs.map(({ name, state }) => [name, state])).toEqual([
      ['y', undefined],
      ['trace-w/next', 'trace-w'],
    ]);
    expect(variables.get('trace-w')).toBe(w);
    const result = replay(program, { x: { data: new Float32Array(12).fill(3) }, 'trace-w': { data: [1, 2, 3, 4] } });
    expect([...(result['y']?.data ?? [])].slice(0, 4)).toEqual([6, 12, 18, 24]);
    expect([...w.dataSync()]).toEqual([1, 1, 1, 1]);
    const known = trace(
      only((x) => x.mul(w)),
      { inputs: [x34], variables: 'state', known: [other, w] },
    );
    expect(known.program.inputs.map(({ name }) => name)).toEqual(['x', 'trace-other', 'trace-w']);
    expect(known.program.outputs).toHaveLength(1);
    tf.dispose([w, other]);
  });

  it('are not confused with tensors that share their data', () => {
    const initial = tf.tensor1d([1, 2, 3, 4]);
    const [a, b] = [tf.variable(initial, true, 'trace-a'), tf.variable(initial, true, 'trace-b')];
    const { program, variables } = of((x) => x.add(a).add(b).add(initial));
    expect([...variables.keys()]).toEqual(['trace-a', 'trace-b']);
    expect([...program.constants.values()]).toEqual([Float32Array.of(1, 2, 3, 4)]);
    tf.dispose([a, b, initial]);
  });

  it('are constants, with names, in a forward function, and assignments are forgotten', () => {
    const w = tf.variable(tf.tensor1d([1, 2, 3, 4]), true, 'trace-c');
    const { program, variables, constantNames } = of(
      (x) => {
        w.assign(w.add(1) as tf.Tensor1D);
        return x.mul(w);
      },
      x34,
      'constant',
    );
    expect(program.inputs).toHaveLength(1);
    expect(program.outputs).toHaveLength(1);
    expect(variables.size).toBe(0);
    expect([...constantNames.values()]).toEqual(['trace-c']);
    expect([...(replay(program, { x: { data: new Float32Array(12).fill(1) } })['y']?.data ?? [])].slice(0, 4)).toEqual([
      2, 3, 4, 5,
    ]);
    w.dispose();
  });
});

describe('layers and call sites', () => {
  const model = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [4], units: 3, activation: 'relu', name: 'trace_inner' })],
    name: 'trace_model',
  });

  it("name the innermost layer of each call, and the user's line", () => {
    const outer = tf.sequential({
      layers: [
        tf.layers.inputLayer({ inputShape: [4] }),
        model,
        tf.layers.reshape({ targetShape: [3, 1], name: 'trace_flat' }),
      ],
    });
    const t = of((x) => tf.tanh(outer.apply(x) as tf.Tensor));
    const layerOf = (kernel: string): string | undefined =>
      t.program.calls.find((call) => call.kernel === kernel)?.layer;
    expect(layerOf('_FusedMatMul')).toBe('trace_inner');
    expect(t.program.calls.some((call) => call.layer === 'trace_flat')).toBe(true);
    expect(layerOf('Tanh')).toBeUndefined();
    for (const call of t.program.calls) expect(call.site, call.kernel).toMatch(/trace\.test\.ts:\d+:\d+$/);
    expect(Object.getOwnPropertyNames(tf.layers.Layer.prototype)).toContain('apply');
    outer.dispose();
  });

  it('differ from line to line', () => {
    const { program } = of((x) => {
      const a = tf.sin(x);
      return tf.cos(a);
    });
    const [sin, cos] = program.calls.map((call) => Number(/:(\d+):\d+$/.exec(call.site ?? '')?.[1]));
    expect(cos).toBe((sin ?? 0) + 1);
  });
});

describe('a trace', () => {
  const gan = testGan();
  const tfjsState = (): unknown => ({
    memory: tf.memory(),
    backend: tf.getBackend(),
    names: Object.keys(tf.engine().registeredVariables),
    scopes: tf.engine().state.scopeStack.length,
  });

  it('leaves tensors, variables and backend as they were', () => {
    trace(gan.step, { inputs: ganInputs(2), variables: 'state' }); // tfjs makes its own caches on first use
    const before = tfjsState();
    trace(gan.step, { inputs: ganInputs(2), variables: 'state' });
    expect(tfjsState()).toEqual(before);
    tf.tidy(() => {
      trace(
        only((x) => tf.keep(tf.sin(x))),
        { inputs: [x34], variables: 'state' },
      );
    });
    expect(tfjsState()).toEqual(before);
  });

  it('does so when the function throws, wherever it does', () => {
    const before = tfjsState();
    const gradient = tf.getGradient('Tanh');
    const bad: ((x: tf.Tensor) => tf.Tensor)[] = [
      () => {
        throw new Error('own');
      },
      (x) =>
        tf.tidy(() => {
          tf.sin(x);
          throw new Error('in tidy');
        }),
      (x) =>
        tf.grad((y) => {
          tf.tanh(y);
          throw new Error('on the tape');
        })(x),
      (x) => {
        tf.keep(tf.sin(x));
        tf.engine().startScope('left open');
        throw new Error('kept');
      },
      (x) => tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D),
    ];
    for (const fn of bad) {
      expect(() => of(fn)).toThrow();
      expect(tfjsState()).toEqual(before);
      expect(tf.getGradient('Tanh')).toBe(gradient);
    }
    expect([...tf.tensor1d([1, 2]).add(1).dataSync()]).toEqual([2, 3]);
    expect(gan.variables.every((v) => !v.isDisposed)).toBe(true);
  });

  it('in the middle of a training loop changes no bit of it', () => {
    const inputs = (i: number): Record<string, tf.Tensor> =>
      Object.fromEntries(
        Object.entries(ganFeeds(2, i)).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]),
      );
    const train = (interleave: boolean): Float32Array[] => {
      const own = testGan();
      for (let i = 0; i < 3; i++) {
        tf.tidy(() => void own.step(inputs(i)));
        if (interleave) trace(own.step, { inputs: ganInputs(5), variables: i === 1 ? 'constant' : 'state' });
      }
      const weights = snapshot(own.variables);
      own.dispose();
      return weights;
    };
    expect(train(true)).toEqual(train(false));
  });

  it('runs inside an outer gradient and tidy without touching them', () => {
    const w = tf.tensor1d([1, 2]);
    const g = tf.grad((x) => {
      of((y) => tf.sin(y));
      return tf.sum(tf.square(x));
    })(w);
    expect([...g.dataSync()]).toEqual([2, 4]);
    tf.dispose([w, g]);
  });

  it('records optimizer updates of tfjs, custom gradients and second derivatives', () => {
    const w = tf.variable(tf.ones([4]), true, 'trace-o');
    const sgd = tf.train.sgd(0.5);
    const t = of((x) => {
      sgd.minimize(() => tf.sum(tf.mul(x, w)) as tf.Scalar, false, [w]);
      const cube = tf.customGrad((y, save) => {
        const tensor = y as tf.Tensor;
        (save as (tensors: tf.Tensor[]) => void)([tensor]);
        return {
          value: tf.pow(tensor, 3),
          gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => dy.mul(saved[0] as tf.Tensor).mul(7),
        };
      });
      return tf.add(tf.grad((y) => cube(y))(x), tf.grad((y) => tf.sum(tf.grad((v) => tf.sum(tf.tanh(v)))(y)))(x));
    });
    const data = Float32Array.from({ length: 12 }, (_, i) => i / 6 - 1);
    const result = replay(t.program, { x: { data }, 'trace-o': { data: [1, 1, 1, 1] } });
    const tanh = Array.from(data, Math.tanh);
    expect(result['y']?.data).toBeAllclose(
      Array.from(data, (v, i) => 7 * v - 2 * (tanh[i] ?? 0) * (1 - (tanh[i] ?? 0) ** 2)),
      { rtol: 1e-5, atol: 1e-6 },
    );
    expect(result['trace-o/next']?.data).toBeAllclose(
      [0, 1, 2, 3].map((c) => 1 - 0.5 * ((data[c] ?? 0) + (data[c + 4] ?? 0) + (data[c + 8] ?? 0))),
      { rtol: 1e-6, atol: 1e-6 },
    );
    sgd.dispose();
    w.dispose();
  });

  it('holds int32, bool and lists of tensors', () => {
    const t = of((x) => tf.concat([tf.cast(tf.greater(x, 0), 'int32'), tf.tensor2d([[1, 2, 3, 4]], [1, 4], 'int32')]));
    expect(t.program.values[t.program.outputs[0]?.value ?? 0]).toEqual({ dtype: 'int32', shape: [4, 4] });
    expect([
      ...(replay(t.program, { x: { data: Float32Array.from({ length: 12 }, (_, i) => i - 5) } })['y']?.data ?? []),
    ]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4]);
  });

  it('copies what it takes for constants', () => {
    const values = Float32Array.of(1, 2, 3, 4);
    const outside = tf.tensor1d(values);
    const { program } = of((x) => x.add(outside));
    values.fill(0);
    expect([...program.constants.values()]).toEqual([Float32Array.of(1, 2, 3, 4)]);
    outside.dispose();
  });

  it("has a recording kernel for every name and for users' own kernels", () => {
    tf.registerKernel({
      kernelName: 'TraceTestHalve',
      backendName: 'cpu',
      kernelFunc: ({ inputs, backend }) => {
        const x = inputs['x'] as tf.TensorInfo;
        const data = backend as unknown as {
          readSync(id: object): Float32Array;
          write(v: Float32Array, s: number[], d: string): object;
        };
        return {
          dataId: data.write(
            data.readSync(x.dataId).map((v) => v / 2),
            x.shape,
            'float32',
          ),
          shape: x.shape,
          dtype: 'float32',
        };
      },
    });
    const t = of((x) => tf.engine().runKernel('TraceTestHalve', { x }));
    expect(kernels(t)).toEqual(['TraceTestHalve']);
    expect(new Set(tf.getKernelsForBackend('forja-trace').map((config) => config.kernelName))).toEqual(
      new Set([...Object.keys(SHAPE_RULES), ...tf.getKernelsForBackend('cpu').map((config) => config.kernelName)]),
    );
    tf.unregisterKernel('TraceTestHalve', 'cpu');
  });

  it("passes tfjs's own check for leaked data", () => {
    tf.env().set('IS_TEST', true);
    expect(kernels(of((x) => tf.split(tf.sin(x), 2, 1)[0] as tf.Tensor))).toEqual(['Sin', 'SplitV']);
    tf.env().set('IS_TEST', false);
  });
});

describe('what cannot be traced', () => {
  const site = /trace\.test\.ts:\d+:\d+/;

  it("is refused with the user's line: reading values", () => {
    const w = tf.variable(tf.ones([1]), true, 'trace-r');
    expect(messageOf(() => of((x) => ((x.dataSync()[0] ?? 0) > 0 ? x : x.neg())), ExportError)).toMatch(site);
    expect(messageOf(() => of((x) => x.mul(w.dataSync()[0] ?? 0)), ExportError)).toMatch(/dataSync/);
    expect(messageOf(() => of((x) => x.mul(x.sum().arraySync() as number)), ExportError)).toMatch(/traced tensor/);
    // Constants and outside tensors have known data.
    const outside = tf.tensor1d([3]);
    const t = of((x) => x.mul((tf.scalar(2).dataSync()[0] ?? 0) * (outside.dataSync()[0] ?? 0)));
    expect([...t.program.constants.values()].map((d) => d[0])).toContain(6);
    tf.dispose([w, outside]);
  });

  it('is refused: promises, results that are not tensors, inputs of one name', async () => {
    const wait = (async ({ x }: Record<string, tf.Tensor>) => ({
      y: tf.tensor(await (x as tf.Tensor).data()),
    })) as unknown as Traced;
    expect(messageOf(() => trace(wait, { inputs: [x34], variables: 'state' }), UsageError)).toContain('promise');
    await Promise.resolve();
    expect(
      messageOf(() => trace((() => ({ y: 3 })) as unknown as Traced, { inputs: [], variables: 'state' }), UsageError),
    ).toContain("number for 'y'");
    expect(
      messageOf(
        () =>
          trace(((i: Record<string, tf.Tensor>) => i['x']) as unknown as Traced, { inputs: [x34], variables: 'state' }),
        UsageError,
      ),
    ).toContain('by name');
    expect(
      messageOf(
        () =>
          trace(
            only((x) => x),
            { inputs: [x34, x34], variables: 'state' },
          ),
        UsageError,
      ),
    ).toContain("'x' twice");
  });

  it('is refused: changing what lies outside', () => {
    const [w, outside] = [tf.variable(tf.ones([4]), true, 'trace-s'), tf.ones([2])];
    expect(
      messageOf(
        () =>
          of((x) => {
            w.dispose();
            return x;
          }),
        UsageError,
      ),
    ).toContain('trace-s disposed');
    expect(
      messageOf(
        () =>
          of((x) => {
            outside.dispose();
            return x;
          }),
        UsageError,
      ),
    ).toContain('left alone');
    expect(messageOf(() => of((x) => tf.variable(x)), UsageError)).toContain('exist before the trace');
    expect(
      messageOf(
        () =>
          of((x) => {
            void tf.setBackend('cpu');
            return x;
          }),
        UsageError,
      ),
    ).toContain("setBackend('cpu')");
    expect(
      messageOf(
        () =>
          of((x) => {
            w.assign(tf.ones([5]));
            return x;
          }),
        UsageError,
      ),
    ).toContain('expected float32[4], got float32[5]');
    expect(
      messageOf(
        () =>
          of((x) => {
            of(tf.sin);
            return x;
          }),
        UsageError,
      ),
    ).toContain('one trace at a time');
    expect([w.isDisposed, outside.isDisposed]).toEqual([false, false]);
    expect([...w.dataSync(), ...outside.dataSync()]).toEqual([1, 1, 1, 1, 1, 1]);
    tf.dispose([w, outside]);
  });

  it('is refused: other element types and kernels whose shape needs data', () => {
    expect(
      messageOf(
        () =>
          of((x) => {
            tf.tensor1d(['a']);
            return x;
          }),
        ExportError,
      ),
    ).toMatch(/string/);
    expect(messageOf(() => of((x) => tf.unique(x.flatten() as tf.Tensor1D).values), ExportError)).toMatch(
      /Unique.*trace\.test\.ts/,
    );
    const model = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [4] })] });
    expect(messageOf(() => of((x) => tf.complex(model.apply(x) as tf.Tensor, x)), ExportError)).toMatch(/complex64/);
    expect(
      messageOf(() => of((x) => tf.image.nonMaxSuppression(x as tf.Tensor2D, x.sum(1) as tf.Tensor1D, 2)), ExportError),
    ).toMatch(/without the data/);
  });
});
