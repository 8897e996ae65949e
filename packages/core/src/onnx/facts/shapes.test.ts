// Types that depend on a tensor in an attribute, as the ONNX specification defines them.
import { expect, test } from 'vitest';
import { GraphBuilder } from '../builder.js';
import { ATTRIBUTE_TYPE, DATA_TYPE } from '../ir.js';
import { factsOf } from './shapes.js';

/** The type of `ConstantOfShape([2, 3])`, with a `value` of this type. */
function typeOf(dataType: number | undefined): unknown {
  const g = new GraphBuilder();
  g.output('y', g.op('Identity', [g.op('ConstantOfShape', [g.constant('int64', [2], [2, 3])])]));
  const { graph } = g.build();
  if (graph === undefined) throw new Error('no graph');
  const nodes = graph.nodes.map((node) => ({
    ...node,
    attributes:
      node.opType === 'ConstantOfShape' && dataType !== undefined
        ? [{ ...ATTRIBUTE, name: 'value', type: ATTRIBUTE_TYPE.tensor, t: { ...TENSOR, dims: [1n], dataType } }]
        : node.attributes,
  }));
  return factsOf({ ...graph, nodes }, 17).get('y');
}

const ATTRIBUTE = {
  floats: new Float32Array(0),
  ints: new BigInt64Array(0),
  strings: [],
  tensors: [],
  graphs: [],
  sparseTensors: [],
  typeProtos: [],
};
const TENSOR = {
  floatData: new Float32Array(0),
  int32Data: new Int32Array(0),
  int64Data: new BigInt64Array(0),
  uint64Data: new BigUint64Array(0),
  doubleData: new Float64Array(0),
  stringData: [],
  externalData: [],
  metadata: [],
};

test('ConstantOfShape has the type of its value, by default float32', () => {
  expect(typeOf(undefined)).toMatchObject({ dtype: 'float32', shape: [2, 3] });
  expect(typeOf(DATA_TYPE.int64)).toMatchObject({ dtype: 'int64', shape: [2, 3] });
  expect(typeOf(DATA_TYPE.float64)).toBeUndefined(); // a type that Forja does not compute in
});
