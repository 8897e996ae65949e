// Shapes of kernels that have no lowering. They let a trace finish, so that one error can name every unsupported
// kernel.
import * as tf from '@tensorflow/tfjs';
import type { ProgramDType } from '../../program/program.js';
import { dtypeAttribute } from './attributes.js';
import type { RefusedKernel } from '../../kernels/names.js';
import type { ShapeRule, TensorMeta } from './rule.js';

/**
 * Runs tfjs's own cpu kernel on zeros and takes the shapes of its results. Correct if the shapes do not depend on the
 * data.
 */
export function probe(kernel: string): ShapeRule {
  return (inputs, attrs) => {
    const config = tf.getKernel(kernel, 'cpu');
    const backend = cpu();
    if (config === undefined || backend === undefined)
      throw new Error(`${kernel}: expected a kernel of tfjs's cpu backend, got none`);
    const made: tf.TensorInfo[] = [];
    const zeros = (meta: TensorMeta): tf.TensorInfo => {
      const values = tf.util.makeZerosTypedArray(tf.util.sizeFromShape(meta.shape), meta.dtype);
      const tensor = { dataId: backend.write(values, meta.shape, meta.dtype), shape: meta.shape, dtype: meta.dtype };
      made.push(tensor);
      return tensor;
    };
    const entries = Object.entries(inputs).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.map(zeros) : zeros(value)] as const],
    );
    // tfjs's types allow one tensor per input, but its variadic kernels take lists.
    const given = Object.fromEntries(entries) as unknown as tf.NamedTensorInfoMap;
    // Attributes are plain data, and tfjs's own kernels also read them from an ordinary record.
    const result = config.kernelFunc({ inputs: given, attrs: attrs as unknown as tf.NamedAttrMap, backend });
    const outputs = Array.isArray(result) ? result : [result];
    const metas = outputs.map((t) => ({ shape: [...t.shape], dtype: held(t.dtype, kernel) }));
    for (const dataId of new Set([...outputs, ...made].map((t) => t.dataId))) backend.disposeData(dataId, true);
    return metas;
  };
}

interface CpuBackend {
  write(values: tf.TypedArray, shape: number[], dtype: tf.DataType): object;
  disposeData(dataId: object, force?: boolean): boolean;
}

/** The cpu backend object, without making it tfjs's current backend. */
function cpu(): CpuBackend | undefined {
  return (tf.findBackend('cpu') as CpuBackend | null) ?? undefined; // the methods used are those of every KernelBackend
}

function held(dtype: tf.DataType, kernel: string): ProgramDType {
  return dtypeAttribute(dtype, kernel);
}

/** The rule of a kernel whose result shape depends on the values, which a trace does not have: it always throws. */
function dataDependent(kernel: string): ShapeRule {
  return () => {
    throw new Error(
      `${kernel}: expected a result whose shape is known without the data. Such a kernel cannot be traced: ` +
        'compute it outside the traced function',
    );
  };
}

/** Kernels without a lowering. */
export const refusedShapes: Record<RefusedKernel, ShapeRule> = {
  Complex: probe('Complex'),
  ComplexAbs: probe('ComplexAbs'),
  Draw: probe('Draw'),
  FFT: probe('FFT'),
  FromPixels: probe('FromPixels'),
  IFFT: probe('IFFT'),
  Imag: probe('Imag'),
  LowerBound: probe('LowerBound'),
  MatrixBandPart: probe('MatrixBandPart'),
  Multinomial: probe('Multinomial'),
  NonMaxSuppressionV3: dataDependent('NonMaxSuppressionV3'),
  NonMaxSuppressionV4: dataDependent('NonMaxSuppressionV4'),
  NonMaxSuppressionV5: dataDependent('NonMaxSuppressionV5'),
  Pool: probe('Pool'),
  RaggedGather: dataDependent('RaggedGather'),
  RaggedRange: dataDependent('RaggedRange'),
  RaggedTensorToTensor: dataDependent('RaggedTensorToTensor'),
  Real: probe('Real'),
  SparseFillEmptyRows: dataDependent('SparseFillEmptyRows'),
  SparseSegmentMean: dataDependent('SparseSegmentMean'),
  SparseSegmentSum: dataDependent('SparseSegmentSum'),
  StaticRegexReplace: probe('StaticRegexReplace'),
  StringNGrams: dataDependent('StringNGrams'),
  StringSplit: dataDependent('StringSplit'),
  StringToHashBucketFast: probe('StringToHashBucketFast'),
  Unique: dataDependent('Unique'),
  UpperBound: probe('UpperBound'),
};
