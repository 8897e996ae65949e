// Which gradients are checked against an independent source (PyTorch in float64 and finite differences), and to what order. Tests keep it honest.

/** Orders of differentiation with a test behind them. */
export interface ProvenGradient {
  first: boolean;
  second: boolean;
}

const BOTH: ProvenGradient = { first: true, second: true };

/** By tfjs kernel name. A kernel that is not here may still be right: nothing says so. */
export const provenGradients: Readonly<Record<string, ProvenGradient>> = {
  Abs: BOTH,
  AvgPool: BOTH,
  BatchMatMul: BOTH,
  ClipByValue: BOTH,
  Conv2D: BOTH,
  Conv2DBackpropFilter: BOTH,
  Conv2DBackpropInput: BOTH,
  DepthToSpace: BOTH,
  DepthwiseConv2dNative: BOTH,
  DepthwiseConv2dNativeBackpropFilter: BOTH,
  DepthwiseConv2dNativeBackpropInput: BOTH,
  Elu: BOTH,
  Erf: BOTH,
  Exp: BOTH,
  FusedBatchNorm: BOTH,
  Greater: BOTH,
  LeakyRelu: BOTH,
  Log: BOTH,
  LogSoftmax: BOTH,
  Max: BOTH,
  MaxPool: BOTH,
  Maximum: BOTH,
  Mean: BOTH,
  Min: BOTH,
  Minimum: BOTH,
  MirrorPad: BOTH,
  Pow: BOTH,
  Prelu: BOTH,
  RealDiv: BOTH,
  Relu: BOTH,
  Relu6: BOTH,
  ResizeBilinear: BOTH,
  ResizeNearestNeighbor: BOTH,
  Rsqrt: BOTH,
  Select: BOTH,
  Selu: BOTH,
  Sigmoid: BOTH,
  Softmax: BOTH,
  Softplus: BOTH,
  Sqrt: BOTH,
  Square: BOTH,
  SquaredDifference: BOTH,
  Sum: BOTH,
  Tanh: BOTH,
  Tile: BOTH,
};
