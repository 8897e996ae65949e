// Removes Tiles before element-wise calls that broadcast anyway, so that tensors which gradients repeat over a picture
// stay small. Also removes reshapes that only add leading 1s to an operand, so that common-subexpression elimination
// sees equal operands.
import { traitsOf } from '../kernels/traits.js';
import {
  isStatic,
  sizeText,
  type KernelCall,
  type Program,
  type ProgramValue,
  type Size,
  type ValueId,
} from '../program/program.js';

const same = (a: readonly Size[], b: readonly Size[]): boolean =>
  a.length === b.length && a.every((size, i) => sizeText(size) === sizeText(b[i] ?? -1));

/** The broadcast shape, or undefined where sizes differ. */
function broadcast(a: readonly Size[], b: readonly Size[]): Size[] | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Size[] = [];
  for (let i = 0; i < rank; i++) {
    const [x, y] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (x !== 1 && y !== 1 && sizeText(x) !== sizeText(y)) return undefined;
    result.push(x === 1 ? y : x);
  }
  return result;
}

/**
 * Makes element-wise calls read operands from before they were tiled, where broadcasting gives the same result. Calls
 * that this leaves unused are removed by dead-code elimination.
 */
export function simplifyBroadcasts(program: Program): Program {
  const values: ProgramValue[] = [...program.values];
  const producer = new Map<ValueId, KernelCall>();
  const calls: KernelCall[] = [];
  const shape = (id: ValueId): readonly Size[] => values[id]?.shape ?? [];
  const emit = (call: KernelCall): void => {
    calls.push(call);
    for (const id of call.outputs) producer.set(id, call);
  };

  /**
   * The value that `id` was made from by tiling it or by adding leading 1s, if broadcasting gives the same result; else
   * `id`.
   */
  const source = (id: ValueId): ValueId => {
    const call = producer.get(id);
    const from = call?.inputs['x'];
    if (call === undefined || typeof from !== 'number') return id;
    const [small, large] = [shape(from), shape(id)];
    const spread =
      call.kernel === 'Tile' && small.every((size, i) => size === 1 || sizeText(size) === sizeText(large[i] ?? -1));
    const padded =
      call.kernel === 'Reshape' &&
      large.length > small.length &&
      same(large.slice(-small.length || large.length), small) &&
      large.slice(0, large.length - small.length).every((size) => size === 1);
    return spread || padded ? source(from) : id;
  };

  for (const call of program.calls) {
    const { a, b } = call.inputs;
    const [out] = call.outputs;
    if (
      traitsOf(call.kernel).broadcasts !== true ||
      typeof a !== 'number' ||
      typeof b !== 'number' ||
      out === undefined
    ) {
      emit(call);
      continue;
    }
    const [smallA, smallB] = [source(a), source(b)];
    const full = shape(out);
    const result = broadcast(shape(smallA), shape(smallB));
    if (result !== undefined && same(result, full)) emit({ ...call, inputs: { a: smallA, b: smallB } });
    else if (
      result !== undefined &&
      result.length === full.length &&
      full.every(isStatic) &&
      (smallA !== a || smallB !== b)
    ) {
      // Both operands were tiled: compute the small result, and tile that for its readers.
      const id = values.length;
      values.push({ dtype: values[out]?.dtype ?? 'float32', shape: result });
      emit({ ...call, inputs: { a: smallA, b: smallB }, outputs: [id] });
      emit({
        ...call,
        kernel: 'Tile',
        inputs: { x: id },
        attrs: { reps: full.map((size, i) => (result[i] === size ? 1 : size)) },
        outputs: [out],
      });
    } else emit(call);
  }
  return { ...program, values, calls };
}
