// Broadcast simplification on programs written by hand: which operands are read, what stays, and that shapes hold.
import { describe, expect, it } from 'vitest';
import type { KernelCall, Program } from '../program/program.js';
import { simplifyBroadcasts } from './broadcast.js';

const program = (shapes: number[][], calls: KernelCall[]): Program => ({
  values: shapes.map((shape) => ({ dtype: 'float32', shape })),
  inputs: [
    { name: 'x', value: 0, kind: 'feed' },
    { name: 's', value: 1, kind: 'feed' },
  ],
  constants: new Map(),
  calls,
  outputs: [{ name: 'y', value: shapes.length - 1 }],
});
const tile = (x: number, out: number, reps: number[]): KernelCall => ({
  kernel: 'Tile',
  inputs: { x },
  attrs: { reps },
  outputs: [out],
});
const add = (a: number, b: number, out: number): KernelCall => ({
  kernel: 'Add',
  inputs: { a, b },
  attrs: {},
  outputs: [out],
});

describe('simplifyBroadcasts', () => {
  it('reads the operand of a Tile, also through reshapes that add leading 1s', () => {
    const p = program(
      [[2, 4, 4, 3], [3], [1, 1, 1, 3], [2, 4, 4, 3], [2, 4, 4, 3]],
      [
        { kernel: 'Reshape', inputs: { x: 1 }, attrs: { shape: [1, 1, 1, 3] }, outputs: [2] },
        tile(2, 3, [2, 4, 4, 1]),
        add(0, 3, 4),
      ],
    );
    expect(simplifyBroadcasts(p).calls.at(-1)).toMatchObject({ kernel: 'Add', inputs: { a: 0, b: 1 }, outputs: [4] });
  });

  it('does so in every element-wise call that broadcasts, comparisons too', () => {
    for (const kernel of ['Pow', 'Greater', 'LogicalOr', 'Mod']) {
      const p = program(
        [[2, 3], [3], [1, 3], [2, 3], [2, 3]],
        [
          { kernel: 'Reshape', inputs: { x: 1 }, attrs: { shape: [1, 3] }, outputs: [2] },
          tile(2, 3, [2, 1]),
          { ...add(0, 3, 4), kernel },
        ],
      );
      expect(simplifyBroadcasts(p).calls.at(-1)).toMatchObject({ kernel, inputs: { a: 0, b: 1 } });
    }
  });

  it('computes the small result and tiles it if both operands were tiled', () => {
    const p = program([[], [1, 3], [2, 3], [2, 3]], [tile(1, 2, [2, 1]), add(2, 0, 3)]);
    const { calls, values } = simplifyBroadcasts(p);
    expect(calls.slice(1)).toMatchObject([
      { kernel: 'Add', inputs: { a: 1, b: 0 }, outputs: [4] },
      { kernel: 'Tile', inputs: { x: 4 }, attrs: { reps: [2, 1] }, outputs: [3] },
    ]);
    expect(values[4]?.shape).toEqual([1, 3]);
  });

  it('leaves a Tile that repeats more than single cells', () => {
    const p = program(
      [
        [4, 3],
        [2, 3],
        [4, 3],
        [4, 3],
      ],
      [tile(1, 2, [2, 1]), add(0, 2, 3)],
    );
    expect(simplifyBroadcasts(p).calls).toEqual(p.calls);
  });
});
