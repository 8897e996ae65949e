// toHalf: rounding against onnxruntime's Cast, every operator's cases in half precision against the same in float32,
// models by others, and what must stay in float32.
import { ARRAY_OF, sizeOf } from '@forja/core';
import {
  checkModel,
  DATA_TYPE,
  decodeModel,
  encodeModel,
  GraphBuilder,
  toHalf,
  type Model,
  type OpName,
  type Value,
} from '@forja/core/onnx';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { placeOf } from '../../packages/core/src/onnx/half/places.js';
import { readCorpus } from '../corpus/read.mjs';
import '../matchers.js';
import { OP_CASES, type Operand, type OpCase } from './support/op-cases.js';

const QUIET = { logSeverityLevel: 4, graphOptimizationLevel: 'disabled', intraOpNumThreads: 1 } as const;

async function run(
  model: Model | Uint8Array,
  feeds: Record<string, ort.Tensor>,
): Promise<ort.InferenceSession.ReturnType> {
  const session = await ort.InferenceSession.create(model instanceof Uint8Array ? model : encodeModel(model), QUIET);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

const floats = (shape: number[], data: readonly number[]) => new ort.Tensor('float32', Float32Array.from(data), shape);
const types = (model: Model) =>
  Object.fromEntries((model.graph?.initializers ?? []).map(({ name, dataType }) => [name, dataType]));
const nodes = (model: Model) =>
  (model.graph?.nodes ?? []).map(({ opType, inputs, outputs }) => `${opType}(${inputs.join()})→${outputs.join()}`);

/** Pseudo-random numbers in [0, 1). */
function* uniform(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

describe('weights', () => {
  test("numbers are rounded as onnxruntime's Cast does: every exponent, ties to even, subnormals, infinities", async () => {
    const random = uniform(7);
    const drawn = Array.from(
      { length: 40_000 },
      () => (random.next().value - 0.5) * 2 ** Math.floor(random.next().value * 44 - 27),
    );
    // Halfway between neighbours, and one float to either side, in every exponent of half precision.
    const ties = Array.from({ length: 42 }, (_, e) =>
      [0, 1, 511, 1022, 1023].flatMap((m) => {
        const [low, step] = [2 ** (e - 26) * (1 + m / 1024), 2 ** (e - 26) / 1024];
        return [low, low + step / 2, low + step * 0.499999, low + step * 0.500001];
      }),
    ).flat();
    const values = [
      0,
      -0,
      Infinity,
      -Infinity,
      65504,
      65519,
      65503.9,
      2 ** -14,
      2 ** -24,
      2 ** -25,
      2 ** -25 * 1.00001,
      2 ** -26,
      ...drawn,
      ...ties,
    ]
      .flatMap((v) => [v, -v])
      .filter((v) => Math.abs(Math.fround(v)) < 65520 || !Number.isFinite(v));
    const g = new GraphBuilder();
    g.output('y', g.op('Gather', [g.constant('float32', [values.length], values), g.input('i', 'int64', ['n'])]));
    const model = toHalf(g.build());
    const [weight] = model.graph?.initializers ?? [];
    expect(weight?.dataType).toBe(DATA_TYPE.float16);
    const cast = new GraphBuilder();
    cast.output('h', cast.op('Cast', [cast.input('x', 'float32', ['n'])], { to: DATA_TYPE.float16 }));
    const { h } = await run(cast.build(), { x: floats([values.length], values) });
    const theirs = new Uint16Array((h?.data as Uint16Array).buffer, (h?.data as Uint16Array).byteOffset, values.length);
    const ours = new Uint16Array((weight?.rawData ?? new Uint8Array()).slice().buffer);
    expect(values.filter((_, i) => ours[i] !== theirs[i]).slice(0, 5)).toEqual([]);
    expect(new Set(ours).size).toBeGreaterThan(20_000);
  });

  test('weights too large or too small stay in float32, and so do their nodes', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['n', 2]);
    const h = g.op('MatMul', [x, g.constant('float32', [2, 2], [1, 2, 3, 4], 'plain')]);
    const large = g.op('MatMul', [h, g.constant('float32', [2, 2], [70000, 2, 3, 4], 'w_large')]);
    const tiny = g.op('MatMul', [h, g.constant('float32', [2, 2], [1e-6, 2e-6, 0, 1e-7], 'w_tiny')]);
    const guarded = g.op('Add', [h, g.constant('float32', [], [1e-5], 'epsilon')]);
    const masked = g.op('Add', [h, g.constant('float32', [], [-1e9], 'mask')]);
    const added = g.op('Add', [h, g.constant('float32', [], [0.5], 'shift')]);
    for (const [name, value] of Object.entries({
      large,
      tiny,
      guarded,
      masked,
      sum: g.op('MatMul', [added, g.constant('float32', [2, 1], [1, -1], 'last')]),
    }))
      g.output(name, value);
    const model = g.build();
    const half = toHalf(model);
    expect(types(half)).toEqual({ plain: 10, w_large: 1, w_tiny: 1, epsilon: 1, mask: 1, shift: 10, last: 10 });
    checkModel(half);
    const feeds = { x: floats([1, 2], [0.3, -0.7]) };
    const [a, b] = [await run(model, feeds), await run(half, feeds)];
    for (const name of Object.keys(a))
      expect(b[name]?.data as Float32Array).toBeAllclose(a[name]?.data as Float32Array, { rtol: 3e-3, atol: 3e-3 });
  });
});

describe('the graph', () => {
  test('casts each value once; inputs, outputs, norms, sums, softmax, scales of Resize stay in float32', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['batch', 3, 4, 4]);
    const conv = g.op('Conv', [x, g.constant('float32', [3, 3, 1, 1], [1, 0, 0.5, 0, 1, 0, 0.25, 0, 1], 'w')], {
      kernel_shape: [1, 1],
    });
    const norm = g.op('InstanceNormalization', [
      conv,
      g.constant('float32', [3], [1, 2, 3], 'gain'),
      g.constant('float32', [3], [0, 1, 0], 'bias'),
    ]);
    const up = g.op('Resize', [g.op('Relu', [conv]), undefined, g.constant('float32', [4], [1, 1, 2, 2], 'scales')], {
      mode: 'linear',
    });
    const soft = g.op('Softmax', [conv], { axis: 1 });
    const mean = g.op('ReduceMean', [conv], { keepdims: 0 });
    for (const [name, value] of Object.entries({ conv, norm, up, soft, mean })) g.output(name, value);
    const model = g.build({ valueInfo: true });
    const half = toHalf(model);
    checkModel(half);
    expect(types(half)).toEqual({ w: 10, gain: 1, bias: 1, scales: 1 });
    const written = nodes(half);
    expect(written.filter((n) => n.startsWith('Cast')).sort()).toEqual([
      'Cast(conv/half)→conv',
      'Cast(up/half)→up',
      'Cast(x)→x/half',
    ]);
    expect(written).toContain('Relu(conv/half)→Relu');
    expect(written).toContain('Softmax(conv)→soft');
    const ends = [...(half.graph?.inputs ?? []), ...(half.graph?.outputs ?? [])];
    expect(ends.every(({ type }) => type?.tensor?.elemType === DATA_TYPE.float32)).toBe(true);
    const feeds = {
      x: floats(
        [1, 3, 4, 4],
        Array.from({ length: 48 }, (_, i) => Math.sin(i)),
      ),
    };
    const [a, b] = [await run(model, feeds), await run(half, feeds)];
    for (const name of Object.keys(a))
      expect(b[name]?.data as Float32Array).toBeAllclose(a[name]?.data as Float32Array, { rtol: 3e-3, atol: 6e-3 });
  });

  test('on request inputs and outputs are in half precision, and named nodes stay in float32', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['n', 2]);
    const w = g.constant('float32', [2, 2], [1, 2, 3, 4]);
    g.output('y', g.op('Relu', [g.op('MatMul', [x, w])]));
    g.output('p', g.op('Softmax', [x]));
    const half = toHalf(g.build(), { ends: 'float16' });
    checkModel(half);
    const session = await ort.InferenceSession.create(encodeModel(half), QUIET);
    expect([...session.inputMetadata, ...session.outputMetadata].map((m) => m.isTensor && m.type)).toEqual([
      'float16',
      'float16',
      'float16',
    ]);
    await session.release();
    expect(nodes(toHalf(g.build(), { keep: ['MatMul'] })).filter((n) => n.startsWith('Cast'))).toEqual([]);
  });

  test('nodes before bytes, counts or an output are in float32, without an extra Cast', () => {
    const g = new GraphBuilder();
    const h = g.op('MatMul', [g.input('x', 'float32', ['n', 2]), g.constant('float32', [2, 2], [1, 2, 3, 4])]);
    const scaled = g.op('Add', [
      g.op('Mul', [g.op('Tanh', [h]), g.constant('float32', [], [127.5])]),
      g.constant('float32', [], [128]),
    ]);
    g.output('y', g.op('Cast', [g.op('Floor', [scaled])], { to: DATA_TYPE.uint8 }));
    expect(nodes(toHalf(g.build())).map((n) => n.replace(/\(.*/, ''))).toEqual([
      'Cast',
      'MatMul',
      'Cast',
      'Tanh',
      'Mul',
      'Add',
      'Floor',
      'Cast',
    ]);
  });

  test('external weights are refused by name', () => {
    const g = new GraphBuilder();
    g.output(
      'y',
      g.op('MatMul', [g.input('x', 'float32', ['n', 2]), g.constant('float32', [2, 2], [1, 2, 3, 4], 'w')]),
    );
    const model = g.build();
    const [w] = model.graph?.initializers ?? [];
    if (w === undefined || model.graph === undefined) throw new Error('no weight');
    const outside = {
      ...model,
      graph: {
        ...model.graph,
        initializers: [{ ...w, dataLocation: 1, externalData: [{ key: 'location', value: 'w.data' }] }],
      },
    };
    expect(() => toHalf(outside)).toThrow(
      expect.objectContaining({
        code: 'model.unsupported',
        message: expect.stringContaining("'w'") as string,
      }) as Error,
    );
  });
});

const dataOf = ({ dtype, shape, data }: Operand) => {
  const values =
    data ??
    Array.from({ length: sizeOf(shape) }, (_, i) =>
      dtype === 'float32' ? 0.25 + (i % 5) / 8 : dtype === 'bool' ? i % 2 : 0,
    );
  // numbers: the others have an array of them
  return dtype === 'int64' ? BigInt64Array.from(values, BigInt) : new ARRAY_OF[dtype](values as never);
};

describe('operators', () => {
  const inHalf = (Object.keys(OP_CASES) as OpName[]).filter((op) =>
    ['half', 'point', 'follow', 'square', 'divide', 'scatter'].includes(placeOf(op) ?? ''),
  );

  /** The case between products with the identity, which are in half precision, so that the operator is. */
  function graphOf(op: OpName, { inputs, attributes, outputs = 1 }: OpCase, opset: number): Model {
    const g = new GraphBuilder({ opset });
    const values = inputs.map((operand, i): Value | undefined => {
      if (operand === undefined) return undefined;
      const { dtype, shape, constant } = operand;
      if (constant === true) return g.constant(dtype, shape, dataOf(operand));
      const x = g.input(`x${i}`, dtype, shape);
      const width = shape.at(-1);
      return dtype === 'float32' && width !== undefined && shape.length > 1 && op !== 'Resize'
        ? g.op('MatMul', [
            x,
            g.constant(
              'float32',
              [width, width],
              Array.from({ length: width * width }, (_, at) => (at % (width + 1) === 0 ? 1 : 0)),
            ),
          ])
        : x;
    });
    g.ops(op, values, attributes as never, outputs).forEach((value, i) => g.output(`y${i}`, value)); // the table pairs each operator with its own attributes
    return g.build();
  }

  test.each(inHalf)('%s computes the same in half precision, in opsets 17, 21 and 22', async (op) => {
    const all = OP_CASES[op];
    // Windows have hundreds of cases that differ in sizes alone.
    const cases = all.filter((_, i) => all.length < 30 || i % 23 === 0);
    for (const one of cases)
      for (const opset of [17, 21, 22]) {
        let model: Model;
        try {
          model = graphOf(op, one, opset);
        } catch {
          continue; // not in that opset: tests/parity/inference.test.ts counts these
        }
        const feeds = Object.fromEntries(
          one.inputs.flatMap((operand, i) =>
            operand === undefined || operand.constant === true
              ? []
              : [
                  [
                    `x${i}`,
                    new ort.Tensor(operand.dtype as 'float32', dataOf(operand) as Float32Array, operand.shape),
                  ] as const,
                ],
          ),
        );
        let expected: ort.InferenceSession.ReturnType;
        try {
          expected = await run(model, feeds);
        } catch {
          continue; // nor by this runtime, in float32
        }
        const half = toHalf(model);
        checkModel(half);
        const results = await run(half, feeds);
        for (const [name, value] of Object.entries(expected)) {
          expect(results[name]?.dims, `${op} ${name}`).toEqual(value.dims);
          expect(results[name]?.type).toBe(value.type);
          if (value.type === 'float32')
            expect(results[name]?.data as Float32Array).toBeAllclose(value.data as Float32Array, {
              rtol: 4e-3,
              atol: 4e-3,
            });
        }
      }
  });
});

test('models by others: each converts to a valid one, and onnxruntime opens it where it opens the original', async () => {
  let [converted, opened] = [0, 0];
  for (const { name, bytes } of readCorpus()) {
    const half = toHalf(decodeModel(bytes));
    expect(() => checkModel(half), name).not.toThrow();
    const again = encodeModel(half);
    if (Buffer.from(again).equals(bytes)) continue;
    converted++;
    const open = (model: Uint8Array) =>
      ort.InferenceSession.create(model, QUIET).then(
        (session) => session.release().then(() => 'opened'),
        (error: unknown) => String(error).slice(0, 200),
      );
    if ((await open(bytes)) !== 'opened') continue;
    expect(await open(again), name).toBe('opened');
    opened++;
  }
  expect({ converted, opened }).toEqual({ converted: 68, opened: 65 });
});
