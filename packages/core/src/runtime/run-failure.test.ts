// Translation of onnxruntime's messages, as written by onnxruntime-node and onnxruntime-web 1.30.
import { expect, test } from 'vitest';
import { runFailure } from './run-failure.js';

const feeds = { x: { dtype: 'float32' as const, shape: [1, 3, 5, 5], data: new Float32Array(75) } };
const open = [{ name: 'x', shape: ['b', 3, 'h', 'w'] }];

test.each([
  [
    "Non-zero status code returned while running Conv node. Name:'y_nchwc' Status Message: Invalid input shape: {3,3}",
    'input.shape',
    'x [1, 3, 5, 5]: Conv: Invalid input shape: {3,3}. ',
  ],
  [
    'failed to call OrtRun(). ERROR_CODE: 1, ERROR_MESSAGE: /mnt/a/onnxruntime/core/providers/cpu/nn/pool_attributes.h:237 int64_t onnxruntime::PoolAttributes::ComputeOutputSize(int64_t) const out_size >= 0 was false. Calculated output dimension is negative. Check kernel_shape, pads, strides and dilations.',
    'input.shape',
    ': Calculated output dimension is negative. Check kernel_shape',
  ],
  [
    "Non-zero status code returned while running Add node. Name:'' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/math/element_wise_ops.h:563 void onnxruntime::BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 || axis == largest was false. Attempting to broadcast an axis by a dimension other than 1. 4 by 5",
    'input.shape',
    ': Add: Attempting to broadcast',
  ],
  [
    "failed to call OrtRun(). ERROR_CODE: 2, ERROR_MESSAGE: Non-zero status code returned while running Pad node. Name:'' Status Message: Pad reflect: pre-pad (4) exceeds maximum allowed (2) for axis 2. Input shape:{1,1,3,3}",
    'input.shape',
    ': Pad: Pad reflect',
  ],
  [
    "failed to call OrtRun(). ERROR_CODE: 2, ERROR_MESSAGE: Non-zero status code returned while running SpaceToDepth node. Name:'' Status Message: SpaceToDepth requires input height to be a multiple of block_size",
    'input.shape',
    ': SpaceToDepth: SpaceToDepth requires',
  ],
  [
    "Non-zero status code returned while running Gather node. Name:'' Status Message: indices element out of data bounds, idx=9 must be within the inclusive range [-3,2]",
    'input.range',
    'Gather: indices element out of data bounds',
  ],
  [
    "Non-zero status code returned while running Mod node. Name:'Mod' " +
      'Status Message: element_wise_ops.cc:2256 operator() Integer modulo by zero',
    'input.range',
    'no integer divisor 0',
  ],
  ['Got invalid dimensions for input: x for the following indices\n index: 1 Got: 2 Expected: 1', 'input.shape', 'x'],
  ['the GPU device was lost', 'device.lost', 'lost'],
  ['CUDA failure 700: an illegal memory access', 'device.lost', 'CUDA'],
  ['bad allocation', 'internal', 'bad allocation'],
])('%s', (message, code, part) => {
  const cause = new Error(message);
  expect(runFailure(cause, feeds, open)).toMatchObject({
    code,
    cause,
    message: expect.stringContaining(part) as unknown,
  });
});

test('layers that disagree in a model without open sizes are the model’s own fault', () => {
  const failure = new Error('while running MatMul node. Status Message: MatMul dimension mismatch');
  expect(runFailure(failure, feeds, [{ name: 'x', shape: [1, 3, 5, 5] }])).toMatchObject({ code: 'internal' });
  expect(runFailure(failure, feeds, [{ name: 'x', shape: [], unranked: true }])).toMatchObject({ code: 'input.shape' });
});
