// The valid values of inputs, inferred from the calls that read them.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { trace } from '../trace/trace.js';
import type { ProgramDType } from '../program/program.js';
import { domainsOf, fixedOutputs, type Domain } from './domain.js';

beforeAll(() => tf.setBackend('cpu'));

/** The domain of the first of two inputs, [4, 3] each. */
function domainOf(fn: (x: tf.Tensor, y: tf.Tensor) => tf.Tensor, dtype: ProgramDType = 'float32'): Domain | undefined {
  const inputs = ['x', 'y'].map((name) => ({ name, dtype, shape: [4, 3] }));
  const apply = ({ x, y }: Record<string, tf.Tensor>): Record<string, tf.Tensor> => ({
    result: fn(x as tf.Tensor, y as tf.Tensor),
  });
  return domainsOf(trace(apply, { inputs, variables: 'constant' }).program).get('x');
}

const table = tf.zeros([10, 2]);

it.each<[string, (x: tf.Tensor, y: tf.Tensor) => tf.Tensor, Partial<Domain>]>([
  ['log', (x) => tf.log(x), { low: 0, high: Infinity, not: [0] }],
  ['log behind moves', (x) => tf.log(tf.concat([x.transpose(), tf.ones([1, 4])]).reshape([2, 8])), { low: 0 }],
  ['log(3 - 2x)', (x) => tf.log(tf.sub(3, tf.mul(x, 2))), { low: -Infinity, high: 1.5, not: [1.5] }],
  ['log of a sum', (x) => tf.log(tf.sum(x, 1)), { low: 0, not: [0] }],
  ['log of a product of two', (x, y) => tf.log(tf.mul(x, y)), { low: 0 }],
  ['log(max(x, 1e-7))', (x) => tf.log(tf.maximum(x, 1e-7)), { low: -Infinity, high: Infinity }],
  ['log(1 + relu x)', (x) => tf.log(tf.add(1, tf.relu(x))), { low: -Infinity, near: [0] }],
  ['log and sqrt(2 - x)', (x) => tf.log(x).add(tf.sqrt(tf.sub(2, x))), { low: 0, high: 2 }],
  ['sqrt(1 - x²)', (x) => tf.sqrt(tf.sub(1, tf.mul(x, x))), { low: -1, high: 1 }],
  ['log of what is no longer the input', (x) => tf.log(tf.tanh(x)), { low: -Infinity, high: Infinity, not: [] }],
  ['1 / (x - 3)', (x) => tf.div(1, tf.sub(x, 3)), { low: -Infinity, not: [3] }],
  ['a class', (x) => tf.gather(table, tf.cast(x, 'int32')), { low: 0, high: 9, whole: true }],
  ['a class from one', (x) => tf.gather(table, tf.cast(x.sub(1), 'int32')), { low: 1, high: 10, whole: true }],
  ['a fraction of a table', (x) => tf.gather(table, tf.cast(x.mul(9), 'int32')), { low: 0, high: 1, whole: false }],
  ['a class cut off', (x) => tf.gather(table, tf.cast(x, 'int32').clipByValue(0, 9)), { low: -Infinity, high: Infinity, near: [0, 9] }], // prettier-ignore
  ['an index of the greatest', (x) => tf.gather(table, tf.topk(x, 2).indices), { low: -Infinity, high: Infinity }],
  ['a one-hot', (x) => tf.oneHot(tf.cast(x, 'int32'), 7), { low: 0, high: 6, whole: true }],
  ['a power of its own', (x) => tf.pow(x, 0.5), { low: 0 }],
  ['a square', (x) => tf.pow(x, 2), { low: -Infinity }],
  ['a threshold', (x) => tf.relu(tf.sub(tf.mul(x, 0.5), 50)), { low: -Infinity, near: [100] }],
  ['nothing', (_, y) => tf.log(y), { low: -Infinity, high: Infinity, whole: false, not: [], near: [] }],
])('%s', (_, fn, expected) => {
  expect(domainOf(fn)).toMatchObject(expected);
});

it('integers', () => {
  const whole = (value: number): tf.Tensor => tf.scalar(value, 'int32');
  expect(domainOf((x) => tf.gather(table, tf.mul(x, whole(3))), 'int32')).toMatchObject({ low: 0, high: 3 });
  expect(domainOf((x, y) => tf.mod(y, tf.sub(x, whole(5))), 'int32')).toMatchObject({ not: [5] });
  expect(domainOf((x, y) => tf.pow(y, x), 'int32')).toMatchObject({ low: 0 });
});

it('outputs that no input reaches', () => {
  const { program } = trace(
    ({ x }) => ({ one: tf.onesLike(x as tf.Tensor), fixed: tf.ones([2]).exp(), y: tf.neg(x as tf.Tensor) }),
    { inputs: [{ name: 'x', dtype: 'float32', shape: [2] }], variables: 'constant' },
  );
  expect(fixedOutputs(program)).toEqual(['one', 'fixed']);
});
