// Kernels without a lowering, each with the reason and the workaround that the export error shows.
import type { RefusedKernel } from '../../kernels/names.js';
import type { UnsupportedKernel } from '../contract.js';

const because = (unsupported: string): UnsupportedKernel => ({ unsupported });

const complex = because(
  'complex numbers have no ONNX type here: compute with real and imaginary parts as separate tensors',
);
const text = because('strings are not lowered: process them before the exported function');
const ragged = because('ragged and sparse tensors have data-dependent shapes: pad them before the exported function');
const search = because('tfjs has no kernel for it and composes tf.searchSorted');
const suppression = because('non-maximum suppression has a data-dependent result: do it on the outputs');
const pixels = because('reading or drawing pixels belongs outside the exported function');

/** Rows of the refusals. */
export const refusedKernels: Record<RefusedKernel, UnsupportedKernel> = {
  Complex: complex,
  ComplexAbs: complex,
  Draw: pixels,
  FFT: complex,
  FromPixels: pixels,
  IFFT: complex,
  Imag: complex,
  LowerBound: search,
  MatrixBandPart: because('tfjs has no kernel for it and composes tf.linalg.bandPart from others'),
  Multinomial: because(
    'random draws are not frozen into a graph: pass uniform noise as an input and choose with ' +
      'argMax of logits - log(-log(noise))',
  ),
  NonMaxSuppressionV3: suppression,
  NonMaxSuppressionV4: suppression,
  NonMaxSuppressionV5: suppression,
  Pool: because('tfjs has no kernel for it and composes tf.pool from others'),
  RaggedGather: ragged,
  RaggedRange: ragged,
  RaggedTensorToTensor: ragged,
  Real: complex,
  SparseFillEmptyRows: ragged,
  SparseSegmentMean: ragged,
  SparseSegmentSum: ragged,
  StaticRegexReplace: text,
  StringNGrams: text,
  StringSplit: text,
  StringToHashBucketFast: text,
  Unique: because('the number of unique values depends on the data: do it outside the exported function'),
  UpperBound: search,
};
