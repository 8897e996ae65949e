// Simulates a half-precision model in float32: every value that toHalf would compute in half precision is rounded to
// that precision. CPU runtimes without half-precision kernels do not round between nodes, so running the file itself on
// a CPU shows neither the loss nor the overflow that occur on a GPU.
import { littleEndian } from '../build/constants.js';
import { attribute } from '../build/attributes.js';
import { Names } from '../build/names.js';
import { floatsOf } from '../facts/tensors.js';
import { operatorOf } from '../facts/shapes.js';
import { fromHalf, halfOf } from '../../half.js';
import { givenModel } from '../given.js';
import { DATA_TYPE, type Model, type Node, type TensorProto } from '../ir.js';
import { planOf } from './plan.js';
import { FLOAT_INPUTS } from './places.js';

/**
 * A float32 model whose values are rounded where `toHalf` of the same model has half precision; sums inside a node are
 * in float32. For verification: it is neither smaller nor faster.
 */
export function roundedTwin(model: Model): Model {
  const { graph } = givenModel('roundedTwin', model);
  if (graph === undefined) return model;
  const plan = planOf(graph, { ends: false, keep: new Set() });
  const names = new Names();
  for (const name of [...graph.inputs, ...graph.initializers]
    .map((value) => value.name ?? '')
    .concat(graph.nodes.flatMap((node) => node.outputs)))
    names.take(name);
  const nodes: Node[] = [];
  const weights: TensorProto[] = [];
  const rounded = new Map<string, string>();
  const cast = (from: string, to: string, type: number): number =>
    nodes.push({
      name: names.unique(`${to}/cast`),
      opType: 'Cast',
      inputs: [from],
      outputs: [to],
      attributes: [attribute('Cast', 'to', type)],
      metadata: [],
      deviceConfigurations: [],
    });
  const round = (from: string, to: string): void => {
    const half = names.unique(`${to}/half`);
    cast(from, half, DATA_TYPE.float16);
    cast(half, to, DATA_TYPE.float32);
    rounded.set(to, to);
  };
  const read = (name: string): string => {
    const known = rounded.get(name);
    if (known !== undefined) return known;
    const made = names.unique(`${name}/rounded`);
    const weight = plan.constants.get(name);
    if (weight === undefined) round(name, made);
    else weights.push(widened(weight, made));
    rounded.set(name, made);
    return made;
  };
  for (const node of graph.nodes) {
    if (!plan.half.has(node)) nodes.push(node);
    else {
      const fixed = FLOAT_INPUTS[operatorOf(node)] ?? [];
      const inputs = node.inputs.map((name, i) => (plan.isFloat(name) && !fixed.includes(i) ? read(name) : name));
      const exact = node.outputs.map((name) => (plan.isFloat(name) ? names.unique(`${name}/exact`) : name));
      nodes.push({ ...node, inputs, outputs: exact });
      for (const [i, name] of node.outputs.entries()) if (exact[i] !== name) round(exact[i] ?? '', name);
    }
  }
  return { ...model, graph: { ...graph, nodes, initializers: [...graph.initializers, ...weights] } };
}

/** The tensor's numbers rounded to half precision. */
function widened(tensor: TensorProto, name: string): TensorProto {
  const values = (floatsOf(tensor) ?? new Float32Array(0)).map((v) => fromHalf(halfOf(v)));
  return { ...tensor, name, rawData: littleEndian('float32', values), floatData: new Float32Array(0) };
}
