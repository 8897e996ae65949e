// The ONNX vocabulary that Forja emits: one entry per operator of the default domain with its attributes, grouped by
// family. Shape and type inference (infer/) has a rule for each of them. Attribute names are the specification's.

type None = Record<never, never>;
interface Spatial {
  kernel_shape?: number[];
  strides?: number[];
  pads?: number[];
  dilations?: number[];
  auto_pad?: 'NOTSET' | 'SAME_UPPER' | 'SAME_LOWER' | 'VALID';
}
interface Reduction {
  keepdims?: 0 | 1;
  noop_with_empty_axes?: 0 | 1;
}

/** Attributes by operator. */
export interface OpAttributes {
  // element-wise, one input
  Abs: None;
  Acos: None;
  Acosh: None;
  Asin: None;
  Asinh: None;
  Atan: None;
  Atanh: None;
  Ceil: None;
  Cos: None;
  Cosh: None;
  Erf: None;
  Exp: None;
  Floor: None;
  Identity: None;
  IsInf: { detect_negative?: 0 | 1; detect_positive?: 0 | 1 };
  IsNaN: None;
  Log: None;
  Neg: None;
  Not: None;
  Reciprocal: None;
  Round: None;
  Sign: None;
  Sin: None;
  Sinh: None;
  Sqrt: None;
  Tan: None;
  Tanh: None;
  Cast: { to: number };
  // activations
  Celu: { alpha?: number };
  Elu: { alpha?: number };
  Gelu: { approximate?: 'none' | 'tanh' };
  HardSigmoid: { alpha?: number; beta?: number };
  LeakyRelu: { alpha?: number };
  LogSoftmax: { axis?: number };
  Mish: None;
  PRelu: None;
  Relu: None;
  Selu: { alpha?: number; gamma?: number };
  Sigmoid: None;
  Softmax: { axis?: number };
  Softplus: None;
  Softsign: None;
  // element-wise, several inputs
  Add: None;
  And: None;
  Clip: None;
  Div: None;
  Equal: None;
  Greater: None;
  GreaterOrEqual: None;
  Less: None;
  LessOrEqual: None;
  Max: None;
  Min: None;
  Mod: { fmod?: 0 | 1 };
  Mul: None;
  Or: None;
  Pow: None;
  Sub: None;
  Sum: None;
  Where: None;
  Xor: None;
  BitwiseAnd: None;
  BitwiseOr: None;
  BitwiseXor: None;
  // reductions
  ArgMax: { axis?: number; keepdims?: 0 | 1; select_last_index?: 0 | 1 };
  ArgMin: { axis?: number; keepdims?: 0 | 1; select_last_index?: 0 | 1 };
  CumSum: { exclusive?: 0 | 1; reverse?: 0 | 1 };
  ReduceL2: Reduction;
  ReduceLogSumExp: Reduction;
  ReduceMax: Reduction;
  ReduceMean: Reduction;
  ReduceMin: Reduction;
  ReduceProd: Reduction;
  ReduceSum: Reduction;
  ReduceSumSquare: Reduction;
  TopK: { axis?: number; largest?: 0 | 1; sorted?: 0 | 1 };
  // linear algebra and convolution
  Conv: Spatial & { group?: number };
  ConvTranspose: Spatial & { group?: number; output_padding?: number[]; output_shape?: number[] };
  Einsum: { equation: string };
  Gemm: { alpha?: number; beta?: number; transA?: 0 | 1; transB?: 0 | 1 };
  MatMul: None;
  // pooling and normalisation
  AveragePool: Spatial & { count_include_pad?: 0 | 1; ceil_mode?: 0 | 1 };
  BatchNormalization: { epsilon?: number; momentum?: number; training_mode?: 0 | 1 };
  GlobalAveragePool: None;
  GlobalMaxPool: None;
  InstanceNormalization: { epsilon?: number };
  LayerNormalization: { axis?: number; epsilon?: number; stash_type?: number };
  MaxPool: Spatial & { ceil_mode?: 0 | 1; storage_order?: 0 | 1 };
  // movement
  Concat: { axis: number };
  ConstantOfShape: None;
  DepthToSpace: { blocksize: number; mode?: 'DCR' | 'CRD' };
  Expand: None;
  Flatten: { axis?: number };
  Gather: { axis?: number };
  GatherElements: { axis?: number };
  GatherND: { batch_dims?: number };
  OneHot: { axis?: number };
  Pad: { mode?: 'constant' | 'reflect' | 'edge' | 'wrap' };
  Range: None;
  Reshape: { allowzero?: 0 | 1 };
  Resize: {
    coordinate_transformation_mode?:
      'half_pixel' | 'half_pixel_symmetric' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';
    cubic_coeff_a?: number;
    exclude_outside?: 0 | 1;
    extrapolation_value?: number;
    mode?: 'nearest' | 'linear' | 'cubic';
    nearest_mode?: 'round_prefer_floor' | 'round_prefer_ceil' | 'floor' | 'ceil';
    antialias?: 0 | 1;
    axes?: number[];
  };
  ReverseSequence: { batch_axis?: number; time_axis?: number };
  ScatterElements: { axis?: number; reduction?: 'none' | 'add' | 'mul' | 'max' | 'min' };
  ScatterND: { reduction?: 'none' | 'add' | 'mul' | 'max' | 'min' };
  Shape: { start?: number; end?: number };
  Size: None;
  Slice: None;
  SpaceToDepth: { blocksize: number };
  Split: { axis?: number; num_outputs?: number };
  Squeeze: None;
  Tile: None;
  Transpose: { perm?: number[] };
  Trilu: { upper?: 0 | 1 };
  Unsqueeze: None;
}

/** Name of an operator Forja emits. */
export type OpName = keyof OpAttributes;
