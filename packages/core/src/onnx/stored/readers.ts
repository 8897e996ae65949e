// Which inputs of an operator are weights, and which of their axes has the output channels: a row for each operator
// whose weights are stored smaller.
import type { Node } from '../ir.js';
import { attributesOf, operatorOf } from '../facts/shapes.js';

/**
 * For each input that is a weight, the axis of its output channels; undefined for other inputs. `rank`: of the weight.
 */
type Axes = (node: Node, rank: number) => readonly (number | undefined)[];

const flag = (node: Node, name: string): boolean => attributesOf(node)[name] === 1;

/** By operator. */
const READERS: Readonly<Record<string, Axes>> = {
  Conv: () => [undefined, 0],
  // [in, out / groups, …]: channels of several groups share a scale.
  ConvTranspose: () => [undefined, 1],
  Gemm: (node) => [flag(node, 'transA') ? 1 : 0, flag(node, 'transB') ? 0 : 1],
  MatMul: (_, rank) => [rank - 2, rank - 1],
  Einsum: (node, rank) => node.inputs.map((_, i) => outputAxis(node, i, rank)),
  // An embedding table with a row for each word or class.
  Gather: (node, rank) => {
    const axis = attributesOf(node)['axis'] ?? 0;
    return [typeof axis === 'number' ? (axis + rank) % rank : 0];
  },
  LSTM: () => [undefined, 1, 1],
  GRU: () => [undefined, 1, 1],
  RNN: () => [undefined, 1, 1],
};

/** The axis of the output channels of input `input` of `node`; undefined if that is not a weight. */
export function channelAxis(node: Node, input: number, rank: number): number | undefined {
  const operator = operatorOf(node);
  return rank >= 2 && Object.hasOwn(READERS, operator) ? READERS[operator]?.(node, rank)[input] : undefined;
}

/** The last axis that the result keeps and that no other input has; else the last axis. */
function outputAxis(node: Node, input: number, rank: number): number {
  const equation = attributesOf(node)['equation'];
  const [left = '', right = ''] = (typeof equation === 'string' ? equation : '').replace(/\s/g, '').split('->');
  const terms = left.split(',');
  const others = terms.filter((_, i) => i !== input).join('');
  const own = [...(terms[input] ?? '')].map((label) => right.includes(label) && !others.includes(label));
  return own.length === rank && own.includes(true) ? own.lastIndexOf(true) : rank - 1;
}
