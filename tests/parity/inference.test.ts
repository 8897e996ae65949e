// Shape inference against onnxruntime: every operator's cases are run as one-node models, and types and shapes compared
// with the inferred ones, with fixed sizes and with named ones, whose expressions are evaluated at the sizes that ran.
import { ARRAY_OF, sizeOf, UsageError } from '@forja/core';
import type { DType, Dim } from '@forja/core';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import type { OpName, Value } from '@forja/core/onnx';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { INFERENCE } from '../../packages/core/src/onnx/infer/index.js';
import { OP_CASES, type Operand, type OpCase } from './support/op-cases.js';

interface Foretold {
  dtype: DType;
  shape: readonly Dim[];
}

/** Data of an operand: what the case says, else small positive numbers, zeros for integers. */
function dataOf({ dtype, shape, data }: Operand): InstanceType<(typeof ARRAY_OF)[DType]> {
  const count = sizeOf(shape);
  const values =
    data ??
    Array.from({ length: count }, (_, i) => (dtype === 'float32' ? 0.25 + (i % 5) / 8 : dtype === 'bool' ? i % 2 : 0));
  return dtype === 'int64' ? BigInt64Array.from(values, BigInt) : new ARRAY_OF[dtype](values as never);
}

/** The one-node graph. Sizes over 1 of graph inputs are named after themselves where `named`. */
function graphOf(
  op: OpName,
  { inputs, attributes, outputs = 1 }: OpCase,
  opset: number,
  named: boolean,
): { bytes: Uint8Array; foretold: Foretold[] } {
  const g = new GraphBuilder({ opset });
  const values = inputs.map((operand, i): Value | undefined => {
    if (operand === undefined) return undefined;
    const { dtype, shape, constant } = operand;
    return constant === true
      ? g.constant(dtype, shape, dataOf(operand))
      : g.input(
          `x${i}`,
          dtype,
          shape.map((size) => (named && size > 1 ? `d${size}` : size)),
        );
  });
  // the table pairs each operator with its own attributes
  const results = g.ops(op, values, attributes as never, outputs);
  results.forEach((value, i) => g.output(`y${i}`, value));
  return { bytes: encodeModel(g.build()), foretold: results.map(({ dtype, shape }) => ({ dtype, shape })) };
}

async function ran(bytes: Uint8Array, { inputs, outputs = 1 }: OpCase): Promise<Foretold[]> {
  const session = await ort.InferenceSession.create(bytes, {
    logSeverityLevel: 4,
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
  });
  try {
    const fed = inputs.flatMap((operand, i) =>
      operand === undefined || operand.constant === true
        ? []
        : [
            [
              `x${i}`,
              new ort.Tensor(operand.dtype as 'float32', dataOf(operand) as Float32Array, operand.shape),
            ] as const,
          ],
    );
    const results = await session.run(Object.fromEntries(fed));
    return Array.from({ length: outputs }, (_, i) => ({
      dtype: results[`y${i}`]?.type as DType,
      shape: results[`y${i}`]?.dims ?? [],
    }));
  } finally {
    await session.release();
  }
}

/** The value of an expression in names of sizes; undefined if a size is unknown. */
function evaluate(dim: Dim): number | undefined {
  if (typeof dim === 'number') return dim;
  if (dim.includes('unk_')) return undefined;
  const body = dim.replaceAll(/d(\d+)/g, '$1').replaceAll(/(floor|min|max)\(/g, 'Math.$1(');
  return Function(`return ${body}`)() as number; // a number: the expression has no names left
}

const OPSETS = [17, 18, 20, 21, 22];

test('every operator has cases', () => {
  expect(Object.keys(OP_CASES).filter((op) => OP_CASES[op as OpName].length === 0)).toEqual([]);
  expect(Object.keys(OP_CASES).sort()).toEqual(Object.keys(INFERENCE).sort());
});

describe.each(Object.keys(OP_CASES) as OpName[])('%s', (op) => {
  test('types and shapes are onnxruntime’s', async () => {
    const problems: string[] = [];
    let [compared, unknown] = [0, 0];
    for (const [i, example] of (OP_CASES[op] as readonly OpCase[]).entries()) {
      // All cases at one opset, the first ones at each.
      for (const opset of i < 10 ? OPSETS : [21]) {
        const label = `${op} ${JSON.stringify(example)} opset ${opset}`;
        try {
          const { bytes, foretold } = graphOf(op, example, opset, false);
          const actual = await ran(bytes, example);
          compared++;
          // Sizes that only the feeds tell get names.
          const same = foretold.every(
            ({ dtype, shape }, o) =>
              dtype === actual[o]?.dtype &&
              shape.length === actual[o].shape.length &&
              shape.every((dim, d) => (evaluate(dim) ?? actual[o]?.shape[d]) === actual[o]?.shape[d]),
          );
          if (!same) problems.push(`${label}: foretold ${JSON.stringify(foretold)}, got ${JSON.stringify(actual)}`);
          if (opset !== 21 || example.clamped === true) continue;
          const named = refusable(example, () => graphOf(op, example, opset, true));
          if (named === undefined) continue;
          const again = await ran(named.bytes, example);
          const shapes = named.foretold.map(({ shape }) => shape.map(evaluate));
          unknown += shapes.flat().filter((size) => size === undefined).length;
          const fits = again.every(
            ({ dtype, shape }, o) =>
              dtype === named.foretold[o]?.dtype &&
              shape.length === shapes[o]?.length &&
              shape.every((size, d) => (shapes[o]?.[d] ?? size) === size),
          );
          if (!fits)
            problems.push(`${label}, named: foretold ${JSON.stringify(named.foretold)}, got ${JSON.stringify(again)}`);
        } catch (error) {
          if (error instanceof UsageError && /opset \d+ or newer/.test(error.message)) continue;
          problems.push(`${label}: ${String(error)}`);
        }
      }
    }
    expect(problems).toEqual([]);
    expect(compared).toBeGreaterThan(0);
    expect(unknown).toBe(UNTOLD[op] ?? 0);
  });
});

function refusable<T>(example: OpCase, make: () => T): T | undefined {
  if (example.fixed !== true) return make();
  try {
    make();
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
  throw new Error('expected a refusal of names');
}

/**
 * Number of unknown sizes in the named cases: those that depend on feeds, or on where a fixed end falls in a named
 * size.
 */
const UNTOLD: Partial<Record<OpName, number>> = { Range: 1, Slice: 5, Tile: 1 };

describe('shape arithmetic', () => {
  /** A random chain of integer ops on an input's shape; every value met is an output. */
  function chain(seed: number): { bytes: Uint8Array; told: Map<string, readonly Dim[]> } {
    let state = seed;
    const draw = (n: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const g = new GraphBuilder();
    const k = (...data: number[]) => g.constant('int64', [data.length], data);
    const x = g.input('x', 'float32', ['batch', 'h', 4]);
    // Only sums and products are divided or reduced to sizes: names stand for sizes, which are not negative.
    const vectors: Value[] = [g.op('Shape', [x]), g.op('Shape', [x], { start: draw(2) }), k(1 + draw(5), 2, 3)];
    const any = (): Value => vectors[draw(vectors.length)] as Value; // never empty
    const pick = (): Value => g.op('Gather', [any(), k(-1)]);
    const moves: readonly (() => Value)[] = [
      () => g.op('Add', [any(), pick()]),
      () => g.op('Mul', [any(), pick()]),
      () => g.op('Div', [any(), k(1 + draw(3))]),
      () => g.op('Max', [any(), pick()]),
      () => g.op('Min', [any(), pick()]),
      () => g.op('Concat', [any(), any()], { axis: 0 }),
      () => g.op('Slice', [any(), k(draw(2)), k(2 + draw(2))]),
      () => g.op('Slice', [any(), k(-1), k(2 ** 31)]),
      () => pick(),
      () => g.op('Reshape', [g.op('Gather', [any(), g.constant('int64', [], [0])]), k(1)]),
      () => g.op('Unsqueeze', [g.op('Squeeze', [pick(), k(0)]), k(0)]),
      () => g.op('Cast', [g.op('Cast', [any()], { to: 6 })], { to: 7 }),
      () => g.op('Neg', [g.op('Neg', [any()])]),
      () => g.op('Sub', [g.op('Add', [any(), k(7)]), k(7)]),
      () => g.op('ReduceProd', [g.op('Slice', [any(), k(0), k(2)]), k(0)], { keepdims: 1 }),
      () => g.op('Reshape', [g.op('ReduceSum', [any(), k(0)], { keepdims: 0 }), k(-1)]),
      () => g.op('Expand', [pick(), k(1 + draw(3))]),
      () => g.op('Where', [g.op('Equal', [k(draw(2)), k(1)]), any(), pick()]),
      () => g.op('Reshape', [g.op('Size', [x]), k(1)]),
      () =>
        g.op('Range', [g.constant('int64', [], [draw(3)]), g.constant('int64', [], [4]), g.constant('int64', [], [1])]),
    ];
    const told = new Map<string, readonly Dim[]>();
    for (let i = 0; i < 12; i++) {
      const value = (moves[draw(moves.length)] as () => Value)(); // in range
      if (value.shape[0] === 0 || (value.shape[0] as number) > 12) continue;
      vectors.push(value);
      told.set(`y${i}`, g.op('ConstantOfShape', [value]).shape); // not built: nothing needs it
      g.output(`y${i}`, value);
    }
    return { bytes: encodeModel(g.build()), told };
  }

  test('expressions of random chains give onnxruntime’s sizes, at two sizes', async () => {
    const problems: string[] = [];
    let [compared, untold] = [0, 0];
    for (let seed = 1; seed <= 60; seed++) {
      const { bytes, told } = chain(seed);
      const session = await ort.InferenceSession.create(bytes, {
        logSeverityLevel: 4,
        graphOptimizationLevel: 'disabled',
        intraOpNumThreads: 1,
      });
      for (const [batch, h] of [
        [3, 5],
        [6, 8],
      ] as const) {
        const results = await session.run({
          x: new ort.Tensor('float32', new Float32Array(batch * h * 4), [batch, h, 4]),
        });
        for (const [name, dims] of told) {
          const got = Array.from(results[name]?.data as BigInt64Array, Number);
          const said = dims.map((dim) =>
            typeof dim === 'number'
              ? dim
              : evaluate(dim.replaceAll('batch', `d${batch}`).replaceAll(/\bh\b/g, `d${h}`)),
          );
          untold += said.filter((size) => size === undefined).length;
          compared += said.length;
          if (said.length !== got.length || said.some((size, i) => size !== undefined && size !== got[i]))
            problems.push(`seed ${seed} ${name} [${dims.join(', ')}]: ${JSON.stringify(got)}`);
        }
      }
      await session.release();
    }
    expect(problems).toEqual([]);
    expect(compared).toBeGreaterThan(2000);
    expect(untold).toBe(0);
  });
});
