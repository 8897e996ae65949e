// Several steps in one run: the graph of a step becomes the body of an ONNX Loop, whose trip count is an input. For
// small steps, in which the call of the runtime takes a large part of the time.
import {
  ATTRIBUTE_TYPE,
  DATA_TYPE,
  type Attribute,
  type Graph,
  type Model,
  type Node,
  type TypeProto,
  type ValueInfo,
} from '@forja/core/onnx';
import type { Lowered } from '../lower/lower.js';

/** A model that runs several steps. Feeds and results have a leading axis of steps; state does not. */
export interface Repeated {
  model: Model;
  /** Name of the input with the number of steps, an int64 scalar. */
  count: string;
}

/** `lowered` in a loop. Inputs and outputs keep their names; within the body every value is called `step/…`. */
export function repeated({ model, state, fixed }: Pick<Lowered, 'model' | 'state' | 'fixed'>): Repeated {
  const { graph } = model;
  if (graph === undefined) throw new Error('repeated: expected a graph');
  const kept = new Set(fixed.flatMap(({ output }) => output ?? []));
  const carried = new Map(state.map(({ input, output = '' }) => [output, input])); // assigned state has an output
  const [carriedInputs, shared] = [
    new Set(carried.values()),
    new Set([...graph.initializers.map(({ name }) => name ?? ''), ...fixed.map(({ input }) => input)]),
  ];
  const inner = (name: string): string => (name === '' || shared.has(name) ? name : `step/${name}`);
  const typeOf = new Map([...graph.inputs, ...graph.outputs].map(({ name, type }) => [name ?? '', type]));

  const feeds = graph.inputs
    .map(({ name }) => name ?? '')
    .filter((name) => !shared.has(name) && !carriedInputs.has(name));
  const results = graph.outputs.map(({ name }) => name ?? '').filter((name) => !kept.has(name) && !carried.has(name));
  const outsideNodes = graph.nodes.filter(({ outputs }) => outputs.some((name) => kept.has(name)));
  const count = [...typeOf.keys(), ...shared].reduce((name, taken) => (name === taken ? `${name}_` : name), 'steps');
  const [index, again, next] = ['step', 'again', 'next'].map((name) => `loop/${name}`) as [string, string, string];

  const body: Graph = {
    ...graph,
    name: 'step',
    nodes: [
      ...feeds.map((name) => node('Gather', [name, index], [inner(name)], [int('axis', 0n)])),
      ...graph.nodes
        .filter((one) => !outsideNodes.includes(one))
        .map((one) => ({ ...one, inputs: one.inputs.map(inner), outputs: one.outputs.map(inner) })),
      node('Identity', [again], [next]),
    ],
    initializers: [],
    inputs: [
      value(index, scalar(DATA_TYPE.int64)),
      value(again, scalar(DATA_TYPE.bool)),
      ...[...carried.values()].map((name) => value(inner(name), typeOf.get(name))),
    ],
    outputs: [
      value(next, scalar(DATA_TYPE.bool)),
      ...[...carried.keys(), ...results].map((name) => value(inner(name), typeOf.get(name))),
    ],
    valueInfo: graph.valueInfo.map((info) => ({ ...info, name: inner(info.name ?? '') })),
  };
  const loop = node(
    'Loop',
    [count, '', ...carried.values()],
    [...carried.keys(), ...results],
    [{ ...empty('body'), type: ATTRIBUTE_TYPE.graph, g: body }],
  );
  const stacked = new Set([...feeds, ...results]);
  const stack = (info: ValueInfo): ValueInfo =>
    stacked.has(info.name ?? '') ? value(info.name ?? '', stackOf(info.type, `${count}_axis`)) : info;
  return {
    count,
    model: {
      ...model,
      graph: {
        ...graph,
        nodes: [loop, ...outsideNodes],
        inputs: [...graph.inputs.map(stack), value(count, scalar(DATA_TYPE.int64))],
        outputs: graph.outputs.map(stack),
        valueInfo: [],
      },
    },
  };
}

const empty = (name: string): Attribute => ({
  name,
  floats: new Float32Array(0),
  ints: new BigInt64Array(0),
  strings: [],
  tensors: [],
  graphs: [],
  sparseTensors: [],
  typeProtos: [],
});
const int = (name: string, i: bigint): Attribute => ({ ...empty(name), type: ATTRIBUTE_TYPE.int, i });
const node = (opType: string, inputs: string[], outputs: string[], attributes: Attribute[] = []): Node => ({
  name: `loop/${opType}/${outputs[0] ?? ''}`,
  opType,
  inputs,
  outputs,
  attributes,
  metadata: [],
  deviceConfigurations: [],
});
const value = (name: string, type: TypeProto | undefined): ValueInfo => ({
  name,
  ...(type === undefined ? {} : { type }),
  metadata: [],
});
const scalar = (elemType: number): TypeProto => ({ tensor: { elemType, shape: { dims: [] } } });

/** The type with a leading axis `axis`. */
function stackOf(type: TypeProto | undefined, axis: string): TypeProto | undefined {
  if (type?.tensor?.shape === undefined) return type;
  return { ...type, tensor: { ...type.tensor, shape: { dims: [{ param: axis }, ...type.tensor.shape.dims] } } };
}
