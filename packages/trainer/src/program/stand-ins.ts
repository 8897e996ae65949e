// Replacements, made of other ops, for kernels that tfjs's WASM backend lacks and its cpu backend computes very slowly.
// For replays only.
import * as tf from '@tensorflow/tfjs';
import type { AttrsOf } from '../kernels/attributes.js';
import type { KernelRows } from '../kernels/rows.js';

/** Declared as a method, whose parameters are bivariant, so that the row of one kernel fits into the table of all. */
interface Row<K extends string> {
  compute(inputs: readonly tf.Tensor[], attrs: AttrsOf<K>): tf.Tensor | undefined;
}

/** Computes a kernel's result from its inputs, in order; undefined if the replacement does not cover this call. */
export type StandIn<K extends string = string> = Row<K>['compute'];

/** Two operands as one matrix product; the cpu backend forms the full outer product and then sums. */
const einsum: StandIn<'Einsum'> = ([a, b], { equation }) => {
  const [, left = '', right = '', out = ''] = /^(\w*),(\w*)->(\w*)$/.exec(String(equation).replaceAll(' ', '')) ?? [];
  if (
    a === undefined ||
    b === undefined ||
    out === '' ||
    [left, right, out].some((letters) => new Set(letters).size < letters.length)
  )
    return undefined;
  const sizes = new Map([
    ...[...left].map((letter, i) => [letter, a.shape[i] ?? 1] as const),
    ...[...right].map((letter, i) => [letter, b.shape[i] ?? 1] as const),
  ]);
  const pick = (from: string, wanted: (letter: string) => boolean): string => [...from].filter(wanted).join('');
  const both = pick(left, (letter) => right.includes(letter) && out.includes(letter));
  const summed = pick(left, (letter) => right.includes(letter) && !out.includes(letter));
  const [rows, columns] = [
    pick(left, (letter) => !right.includes(letter) && out.includes(letter)),
    pick(right, (letter) => !left.includes(letter) && out.includes(letter)),
  ];
  if (
    both.length + summed.length + rows.length < left.length ||
    both.length + summed.length + columns.length < right.length
  )
    return undefined; // an index that only one operand has and that is summed
  const count = (letters: string): number =>
    [...letters].reduce((product, letter) => product * (sizes.get(letter) ?? 1), 1);
  const arranged = (x: tf.Tensor, letters: string, groups: readonly [string, string, string]): tf.Tensor =>
    tf.reshape(
      tf.transpose(
        x,
        [...groups.join('')].map((letter) => letters.indexOf(letter)),
      ),
      groups.map(count),
    );
  const product = tf.matMul(arranged(a, left, [both, rows, summed]), arranged(b, right, [both, summed, columns]));
  const order = both + rows + columns;
  return tf.transpose(
    tf.reshape(
      product,
      [...order].map((letter) => sizes.get(letter) ?? 1),
    ),
    [...out].map((letter) => order.indexOf(letter)),
  );
};

/** The replacements, by kernel. */
export const STAND_INS: KernelRows<StandIn> = { Einsum: einsum };
