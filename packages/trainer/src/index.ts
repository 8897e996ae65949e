// Public surface of @forja/trainer. Named exports only.
export { installGradients, provenGradients, withGradients, type ProvenGradient } from './gradients/index.js';
export { random, withRandom, type RandomPosition } from './trace/random.js';
export {
  adam,
  adamw,
  applyUpdates,
  clipByGlobalNorm,
  clipGradients,
  ema,
  globalNorm,
  rmsprop,
  sgd,
} from './optimizers/index.js';
export type {
  AdamOptions,
  AdamwOptions,
  Ema,
  EmaAt,
  EmaOptions,
  Gradients,
  Optimizer,
  RmspropOptions,
  SgdOptions,
  Update,
} from './optimizers/index.js';
export {
  constantRate,
  cosineDecay,
  exponentialDecay,
  linearDecay,
  plateau,
  schedule,
  scheduleKinds,
  scheduleWords,
  stepDecay,
  warmUp,
  type PlateauOptions,
  type Schedule,
  type ScheduleConfig,
  type ScheduleKind,
  type ScheduleMemory,
  type ScheduleOf,
} from './schedules/index.js';
export {
  charbonnier,
  classification,
  featureMatching,
  l1,
  l2,
  lossNames,
  lossOf,
  losses,
  registerLoss,
  smoothed,
  type GanLoss,
  type LossName,
  type Reconstruction,
  type Smoothing,
  type Verdict,
} from './losses/index.js';
export {
  clipWeights,
  consistency,
  dragan,
  gradientPenalty,
  kernelsOf,
  orthogonality,
  pathLength,
  penalties,
  penaltyNames,
  penaltyOf,
  r1,
  r2,
  registerPenalty,
  zeroCentred,
  type DraganOptions,
  type GradientPenaltyOptions,
  type Kernel,
  type PathLength,
  type PathLengthOf,
  type PathLengthOptions,
  type Penalty,
  type PenaltyKind,
  type PenaltyName,
  type PenaltyOf,
} from './penalties/index.js';
export {
  augmentationNames,
  augmentationOf,
  augmentations,
  registerAugmentation,
  type Augmentation,
  type AugmentationName,
  type AugmentDraw,
} from './augment/index.js';
export {
  dcganDiscriminator,
  dcganGenerator,
  type DcganDiscriminatorConfig,
  type DcganGeneratorConfig,
} from './models/dcgan.js';
export { mlp, type MlpConfig } from './models/mlp.js';
export { dcganDeviation, heDeviation, initialise, orthonormal, type InitialiseOptions } from './models/initialise.js';
export { patchDiscriminator, type PatchConfig } from './models/patch.js';
export {
  residualDiscriminator,
  residualGenerator,
  type ResidualConfig,
  type ResidualDiscriminatorConfig,
  type ResidualGeneratorConfig,
} from './models/residual.js';
export {
  MAPPING_RATE,
  styleDiscriminator,
  styleLayers,
  styleMapping,
  styleNoise,
  styleSynthesis,
  type StyleDiscriminatorConfig,
  type StyleMappingConfig,
  type StylePictureConfig,
  type StyleSynthesisConfig,
} from './models/stylegan.js';
export { selfAttention, type SelfAttentionConfig } from './models/self-attention.js';
export { superResolver, type SuperResolverConfig } from './models/super-resolution.js';
export { withTaps } from './models/taps.js';
export { translator, type TranslatorConfig } from './models/translator.js';
export { unet, type UnetConfig } from './models/unet.js';
export type { NormKind, PictureSize } from './models/chain.js';
export type { UpKind } from './models/convolution.js';
export {
  attend,
  bicubic,
  conditionalNorm,
  equalConv,
  equalDense,
  globalSum,
  instanceNorm,
  minibatchDeviation,
  modulatedConv,
  pixelShuffle,
  projection,
  reflectPad,
  seededDropout,
  spectralConv,
  spectralDense,
  wordBag,
  type BicubicConfig,
  type ConditionalNormConfig,
  type EqualConvConfig,
  type EqualDenseConfig,
  type InstanceNormConfig,
  type LayerConfig,
  type MinibatchDeviationConfig,
  type ModulatedConvConfig,
  type PixelShuffleConfig,
  type ProjectionConfig,
  type ReflectPadConfig,
  type SeededDropoutConfig,
  type SpectralConvConfig,
  type SpectralDenseConfig,
  type WordBagConfig,
} from './models/layers/index.js';
export * from './systems/index.js';
export { dcgan, mlpGan, type DcganConfig, type MlpGanConfig } from './systems/ready.js';
export {
  kindOf,
  makeSystem,
  registerSystem,
  systemNames,
  type SystemConfigs,
  type SystemName,
  type SystemSurroundings,
} from './systems/registry.js';
export {
  systemKind,
  type Circumstances,
  type DatasetInfo,
  type FieldKind,
  type FieldNeeds,
  type OptionEntries,
  type OptionsInput,
  type OptionsOf,
  type SystemKind,
} from './systems/kind.js';
export { discriminatorOutput, type DiscriminatorParts } from './systems/discriminator.js';
export type { GanSystem, Output, Preview } from './systems/system.js';
export { phaseStep, type Phase, type PhaseInput, type Source } from './systems/phase.js';
export { nameWeights } from './tfjs/variables.js';
export { highFrequency, patternShare } from './metrics/pattern.js';
export { psnr, ssim, type Values } from './metrics/pairs.js';
export { averageOf, type Average, type AverageOptions } from './systems/average.js';
export { disposeOwn, networkOf } from './systems/network.js';
export { namedVariable } from './tfjs/variables.js';
export { twoPlayer, type Players } from './systems/two-player/game.js';
export { playerOptions, type PlayerDefaults, type PlayerOptions } from './systems/two-player/options.js';
export { compile, compileAll, scalarOf } from './compile/compile.js';
export { eagerStep } from './compile/eager.js';
export type {
  CompileAllOptions,
  CompiledStep,
  CompileOptions,
  Feed,
  StepDefinition,
  StepFunction,
  StepOptions,
  StepState,
  StepSummary,
} from './compile/step.js';
export {
  train,
  type LiveRun,
  type OwnConfig,
  type OwnSystemHost,
  type TrainHost,
  type TrainResult,
} from './train/train.js';
export { parseConfig, type ResolvedConfig, type RunConfig, type TrainConfig } from './train/config.js';
export { optionRows, optionTable, type OptionRow } from './train/option-rows.js';
export {
  MemoryStore,
  type Diagnosis,
  type LogLine,
  type MeasureFacts,
  type MeasureLine,
  type RunFile,
  type RunStore,
  type SessionRecord,
} from './records/store.js';
export type { TrainEvent } from './train/events.js';
export type { ReportData } from './report/parts.js';
export type { Columns, LogTable } from './report/columns.js';
export type { Compared, NearestResult } from './report/nearest-examples.js';
export type { Environment } from './records/checkpoint-head.js';
export type { Dataset, FieldArray, FieldSpec, Modes, SkippedFile } from './data/dataset.js';
export {
  dataKinds,
  dataSchema,
  type DataConfig,
  type PictureConfig,
  type PictureOptions,
  type ResolvedDataConfig,
} from './data/config.js';
export { readFields } from './data/fields.js';
export { filesDataset, type FilesConfig, type FilesHost, type PageFile } from './data/files.js';
export { pageDecoder, type PageDecoding } from './data/page-decoder.js';
export type { Decode, Picture } from './data/picture.js';
export {
  datasetFrom,
  type ExampleStream,
  type StreamExample,
  type StreamOptions,
  type StreamValue,
} from './data/from.js';
export { batchOrder, batchReader } from './data/order.js';
export { arrayDataset, type ArrayDatasetOptions, type ArrayField, type FieldsDatasetOptions } from './data/arrays.js';
export { idxDataset, readIdx, type IdxArray, type IdxDatasetOptions } from './data/idx.js';
export { syntheticDataset, type SyntheticOptions } from './data/synthetic.js';
export { exportOnnx, type ExportResult } from './export/export.js';
export type { ExportOptions, NodeError, OutputError, VerifyOnnxOptions, VerifyOptions } from './export/contract.js';
export type { LayoutOption, OutputOption } from './export/describe.js';
export type { ExportReport } from './export/report.js';
export { renderReport, reportText, type ReportFormat } from './export/report-text.js';
export type { ExportProgress } from './export/progress.js';
export type { TransposeLeft } from './export/transposes.js';
export { loadTfjsModel, type LoadTfjsOptions } from './export/load-tfjs.js';
export type { Exportable, ExportFunction, InputOption } from './export/subject.js';
export { verifyOnnx, type VerifyOnnxResult } from './export/verify-file.js';
export { registerKernelExport } from './lower/registry.js';
export type { BoundCall, KernelLowering, Logical, LowerContext, Perm } from './lower/contract.js';
export {
  classAgreement,
  classCounts,
  classifierScore,
  densityCoverage,
  frechetDistance,
  kernelDistance,
  kernelDistances,
  memorised,
  metricNames,
  metricOf,
  modeCounts,
  precisionRecall,
  registerMetric,
  reverseKl,
  type Better,
  type Examples,
  type Metric,
  type MetricInput,
  type MetricNeed,
  type Rows,
} from './metrics/index.js';
export { chooseExtractor, extractorNames, type ExtractorChoice } from './metrics/features/choose.js';
export type { Extracted, Extractor, RawExamples } from './metrics/features/extractor.js';
export { onnxExtractor, type ExtractorFile } from './metrics/features/onnx.js';
export { measurer, type MeasureOptions, type Measurer } from './metrics/measurer.js';
export type { Best } from './train/measuring.js';
