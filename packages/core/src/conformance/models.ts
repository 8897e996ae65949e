// The models of the conformance suite: small, and with results that are exact in float32 on any device.
import { GraphBuilder } from '../onnx/builder.js';
import type { Dimension } from '../onnx/ir.js';
import { decodeModel } from '../onnx/deserialize.js';
import { encodeModel } from '../onnx/serialize.js';
import type { StateBinding } from '../runtime/session.js';
import type { DType } from '../tensor.js';
import { float32, of } from './contract.js';

/** sum = x + y, difference = x - y, over [batch, 3]. */
export function pairModel(): Uint8Array {
  const g = new GraphBuilder({ name: 'pair' });
  const [x, y] = [g.input('x', 'float32', ['batch', 3]), g.input('y', 'float32', ['batch', 3])];
  g.output('sum', g.op('Add', [x, y]));
  g.output('difference', g.op('Sub', [x, y]));
  return encodeModel(g.build());
}

/** y = x, through an Identity node. */
export function copyModel(dtype: DType): Uint8Array {
  const g = new GraphBuilder({ name: `copy-${dtype}` });
  g.output('y', g.op('Identity', [g.input('x', dtype, ['n'])]));
  return encodeModel(g.build());
}

/** {@link pairModel} whose inputs and outputs are declared with the shape `dims`, or without a shape. */
export function pairOf(dims: readonly Dimension[] | undefined): Uint8Array {
  const model = decodeModel(pairModel());
  for (const { type } of [...(model.graph?.inputs ?? []), ...(model.graph?.outputs ?? [])])
    if (type?.tensor) {
      if (dims) type.tensor.shape = { dims: [...dims] };
      else delete type.tensor.shape;
    }
  return encodeModel(model);
}

/** The maximum of each window of 5 × 5: x [1, 1, h, w] → y [1, 1, h − 4, w − 4]. */
export function windowModel(): Uint8Array {
  const g = new GraphBuilder({ name: 'window' });
  g.output('y', g.op('MaxPool', [g.input('x', 'float32', [1, 1, 'h', 'w'])], { kernel_shape: [5, 5] }));
  return encodeModel(g.build());
}

/** y = x + 1 in int64; doubles cannot compute it exactly for large values. */
export function nextModel(): Uint8Array {
  const g = new GraphBuilder({ name: 'next' });
  g.output('y', g.op('Add', [g.input('x', 'int64', ['n']), g.constant('int64', [], [1])]));
  return encodeModel(g.build());
}

/** value ← 2·value + x, which depends on the order of runs, and count ← count + 1 (int64). `mean` = value / count. */
export function stateModel(): Uint8Array {
  const g = new GraphBuilder({ name: 'state' });
  const value = g.op('Add', [
    g.op('Mul', [g.input('value', 'float32', [2]), g.constant('float32', [], [2])]),
    g.input('x', 'float32', [2]),
  ]);
  const count = g.op('Add', [g.input('count', 'int64', []), g.constant('int64', [], [1])]);
  g.output('mean', g.op('Div', [value, g.op('Cast', [count], { to: 1 })]));
  g.output('value_next', value);
  g.output('count_next', count);
  return encodeModel(g.build());
}

/** Bindings of {@link stateModel}: value from [1, 2], count from 0. */
export function stateBindings(): { value: StateBinding; count: StateBinding } {
  return {
    value: { output: 'value_next', initial: float32([2], [1, 2]) },
    count: { output: 'count_next', initial: of('int64', [], [0]) },
  };
}

/** sum = value + x, without a state of its own. */
export function readingModel(): Uint8Array {
  const g = new GraphBuilder({ name: 'reading' });
  g.output('sum', g.op('Add', [g.input('value', 'float32', [2]), g.input('x', 'float32', [2])]));
  return encodeModel(g.build());
}

/** a ← a + 1 and b ← 2·b. */
export function twoStatesModel(): Uint8Array {
  const g = new GraphBuilder({ name: 'two' });
  g.output('a_next', g.op('Add', [g.input('a', 'float32', [2]), g.constant('float32', [], [1])]));
  g.output('b_next', g.op('Mul', [g.input('b', 'float32', [2]), g.constant('float32', [], [2])]));
  return encodeModel(g.build());
}
