// Types that depend on a tensor in an attribute, as the ONNX specification defines them.
import { expect, test } from 'vitest';
import { GraphBuilder } from '../builder.js';
import { ATTRIBUTE_TYPE, DATA_TYPE } from '../ir.js';
import { attribute, tensor } from '../testing/messages.js';
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
        ? [attribute({ name: 'value', type: ATTRIBUTE_TYPE.tensor, t: tensor({ dims: [1n], dataType }) })]
        : node.attributes,
  }));
  return factsOf({ ...graph, nodes }, 17).get('y');
}

test('ConstantOfShape has the type of its value, by default float32', () => {
  expect(typeOf(undefined)).toMatchObject({ dtype: 'float32', shape: [2, 3] });
  expect(typeOf(DATA_TYPE.int64)).toMatchObject({ dtype: 'int64', shape: [2, 3] });
  expect(typeOf(DATA_TYPE.float64)).toBeUndefined(); // a type that Forja does not compute in
});
