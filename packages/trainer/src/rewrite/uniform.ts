// Recognizes tensors whose elements are all equal, and replaces such operands of element-wise calls by scalars.
import type { Program, ValueId } from '../program/program.js';
import { traitsOf } from '../kernels/traits.js';
import { inputOf, movedFrom, outputOf, Rewriter, sameSizes } from '../program/graph.js';

/** The number that every element of a value equals, if that is known. */
export function uniformOf(on: Rewriter, id: ValueId): number | undefined {
  const data = on.constants.get(id);
  if (data !== undefined) {
    const [first] = data;
    return first !== undefined && data.every((v) => Object.is(v, first)) ? first : undefined;
  }
  const call = on.producer.get(id);
  if (call?.kernel === 'Fill' && typeof call.attrs['value'] === 'number') {
    return on.dtype(id) === 'float32' ? Math.fround(call.attrs['value']) : call.attrs['value'];
  }
  const from = call === undefined ? undefined : movedFrom(call, id);
  return from === undefined ? undefined : uniformOf(on, from);
}

/** Replaces uniform float operands of element-wise calls by scalars, if the other operand has the result's shape. */
export function shrinkUniforms(program: Program): Program {
  const rewriter = new Rewriter(program);
  const scalars = new Map<number, ValueId>();
  const scalar = (value: number): ValueId => {
    const id = scalars.get(value) ?? rewriter.constant('float32', [], Float32Array.of(value));
    scalars.set(value, id);
    return id;
  };
  return rewriter.run((call) => {
    let result = call;
    for (const [side, other] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const [id, beside] = [inputOf(result, side), inputOf(result, other)];
      if (
        traitsOf(call.kernel).broadcasts !== true ||
        id === undefined ||
        beside === undefined ||
        rewriter.dtype(id) !== 'float32' ||
        rewriter.shape(id).length === 0
      )
        continue;
      const value = uniformOf(rewriter, id);
      if (value !== undefined && sameSizes(rewriter.shape(beside), rewriter.shape(outputOf(call))))
        result = { ...result, inputs: { ...result.inputs, [side]: scalar(value) } };
    }
    rewriter.emit(result);
  });
}
