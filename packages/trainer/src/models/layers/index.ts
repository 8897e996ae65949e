// Layers missing from tfjs, each a function of its options; their classes are registered for serialization.
export { attend } from './attention.js';
export { bicubic, enlarged, type BicubicConfig } from './bicubic.js';
export { conditionalNorm, type ConditionalNormConfig } from './conditional-norm.js';
export { equalConv, equalDense, type EqualConvConfig, type EqualDenseConfig } from './equal.js';
export { croppedSum } from './cropped-sum.js';
export { globalSum } from './global-sum.js';
export { instanceNorm, type InstanceNormConfig } from './instance-norm.js';
export type { LayerConfig } from './layer.js';
export { minibatchDeviation, type MinibatchDeviationConfig } from './minibatch-deviation.js';
export { modulatedConv, type ModulatedConvConfig } from './modulated-conv.js';
export { pixelShuffle, type PixelShuffleConfig } from './pixel-shuffle.js';
export { projection, type ProjectionConfig } from './projection.js';
export { reflectPad, type ReflectPadConfig } from './reflect-pad.js';
export { seededDropout, type SeededDropoutConfig } from './seeded-dropout.js';
export { spectralConv, type SpectralConvConfig } from './spectral-conv.js';
export { spectralDense, type SpectralDenseConfig } from './spectral-dense.js';
export {
  doublePicture,
  learnedConstant,
  noiseAndBias,
  styleAt,
  type LearnedConstantConfig,
  type NoiseAndBiasConfig,
  type StyleAtConfig,
} from './styled.js';
export { wordBag, type WordBagConfig } from './word-bag.js';
