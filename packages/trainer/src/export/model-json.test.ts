// What a model.json may hold: constants of no elements, whose sizes the JSON of protobuf leaves out.
import { describe, expect, it } from 'vitest';
import { checkGraphWeights, parseModelJson } from './model-json.js';

const graph = (dim: object[], shape: number[]): string =>
  JSON.stringify({
    format: 'graph-model',
    modelTopology: {
      node: [{ name: 'c', op: 'Const', attr: { value: { tensor: { dtype: 'DT_INT32', tensorShape: { dim } } } } }],
    },
    weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'c', shape, dtype: 'int32' }] }],
  });

describe('checkGraphWeights', () => {
  it('takes a missing size for zero', () => {
    expect(() => checkGraphWeights('m', parseModelJson(graph([{}, { size: '1' }], [0, 1]), 'm'))).not.toThrow();
    expect(() => checkGraphWeights('m', parseModelJson(graph([{}, { size: '1' }], [2, 1]), 'm'))).toThrow(
      /'c' of shape \[0, 1\].*got \[2, 1\]/,
    );
  });
});
