// Public surface of @forja/core. Named exports only.
export * from './errors.js';
export * from './tensor.js';
export { disposable } from './disposable.js';
export type { AsyncHandle } from './disposable.js';
export { joinBytes } from './bytes.js';
export { describeValue, issueLine, plain } from './issue-line.js';
export type { IssueWords, SchemaIssue } from './issue-line.js';
export { nearest } from './nearest.js';
export { refuseReserved } from './reserved.js';
export { checkInteger } from './integer.js';
export { decibels, LEAST_DECIBELS, psnr } from './psnr.js';
export { classOf, isBytes, isDetached, oneOf, optionsOf, ownBytes } from './realm.js';
export { shown } from './shown.js';
export type { AbortSignalLike } from './platform.js';
export type {
  DeviceName,
  DeviceReport,
  RunOptions,
  Runtime,
  RuntimeEvent,
  RuntimeStats,
  Session,
  SessionOptions,
  SharedBinding,
  SharedState,
  StateBinding,
} from './runtime/session.js';
export type { CliArgument, CliCommand, CliIo, CliOption, CliProgress } from './cli/command.js';
export { MANIFEST_KEY } from './manifest/manifest.js';
export type { Manifest, ManifestInput, ManifestKind, ManifestOutput } from './manifest/manifest.js';
export { graphBytes, readManifest } from './manifest/read-manifest.js';
export { checkIntegrity } from './manifest/integrity.js';
export type { Sha256 } from './manifest/integrity.js';
export { Generator } from './generator/generator.js';
export type { GeneratorParts } from './generator/generator.js';
export type {
  BatchOptions,
  DrawOptions,
  InterpolateOptions,
  Mix,
  SampleOptions,
  ScoreOptions,
  StreamOptions,
  Synthesis,
  TranslateOptions,
} from './generator/options.js';
export { mixTable, psiTable, seedTable } from './generator/tables.js';
export type { MixTableOptions, PsiTableOptions, Sampler } from './generator/tables.js';
export { project } from './generator/project.js';
export type { Projection, Projector, ProjectOptions } from './generator/project.js';
export { someClass } from './generator/some-class.js';
export { manifestFor } from './generator/manifest-for.js';
export { textTensor, wordsOf } from './generator/texts.js';
// What @forja/node and @forja/web build their runtimes on.
export { DroppedHandles, madeHere } from './runtime/dropped.js';
export type { Held } from './runtime/dropped.js';
export { ExecutorRuntime } from './runtime/executor-runtime.js';
export type { ExecutorRuntimeParts } from './runtime/executor-runtime.js';
export { ExecutorSession } from './runtime/executor-session.js';
export { GIVES_TENSORS } from './runtime/executor.js';
export type {
  ExecutorBinding,
  RecipeOptions,
  SessionExecutor,
  SessionOperation,
  SessionOperations,
  SessionRecord,
  SlotBinding,
} from './runtime/executor.js';
export { AS_WRITTEN } from './runtime/as-written.js';
export { safeListener } from './runtime/safe-listener.js';
export { Fifo } from './runtime/fifo.js';
export { SharedRuntimes } from './runtime/shared.js';
export type { Lease } from './runtime/shared.js';
export { Supervisor } from './runtime/supervisor.js';
export type { Replaceable } from './runtime/supervisor.js';
export { buffersOf, copiesOf, copyOf, inThisRealm } from './runtime/tensors.js';
export { watchdog } from './runtime/watchdog.js';
export { checkFeeds, checkKind, checkTensor } from './runtime/feeds.js';
export { DEVICE_NAMES, DEVICES, deviceTraits } from './runtime/devices.js';
export type { ActualDevice, DeviceTraits } from './runtime/devices.js';
export { checkExpected, inPrecision } from './runtime/precision.js';
export type { Comparable, Expectations, Precision, PrecisionRequest } from './runtime/precision.js';
export { goldenFeeds } from './runtime/golden.js';
export { MicroBatcher } from './runtime/micro-batcher.js';
export type { BatcherOptions, BatchJob } from './runtime/micro-batcher.js';
export type { Feed } from './runtime/feeds.js';
export { checkModelBytes } from './onnx/model-bytes.js';
export {
  checkAlone,
  checkExternalSizes,
  checkLocation,
  externalAddress,
  ManyFiles,
  outside,
} from './runtime/external-files.js';
export type { FileProgress } from './runtime/external-files.js';
export { runFailure } from './runtime/run-failure.js';
export { countNodes, declaredShapes, externalFiles, externalLocations, weightPrecision } from './runtime/skim.js';
export { dtypeOf, specsOf } from './runtime/specs.js';
export { LARGE, TwoForms } from './runtime/two-forms.js';
export type { FormParts, Preparation } from './runtime/two-forms.js';
export type { ValueMetadata } from './runtime/specs.js';
export { latents } from './latent/latents.js';
export type { LatentOptions } from './latent/latents.js';
export { checkTruncation } from './latent/truncation.js';
export type { Truncation } from './latent/truncation.js';
export { lerp, slerp } from './latent/slerp.js';
export { latentWalk } from './latent/walks.js';
export type { WalkOptions } from './latent/walks.js';
export {
  permutation,
  philoxBernoulli,
  philoxInteger,
  philoxNormal,
  philoxUniform,
  streamOf,
} from './latent/streams.js';
export { philoxWords } from './latent/philox.js';
export type { Key as PhiloxKey } from './latent/philox.js';
export type { StreamPosition } from './latent/streams.js';
export { Image } from './image/image.js';
export type { Channels } from './image/pixels.js';
export { ImageBatch } from './image/batch.js';
export type { GridOptions } from './image/grid.js';
export type { AnimationOptions } from './image/animation.js';
export { toBatch } from './image/convert.js';
export { fromImages } from './image/from-images.js';
export type { ImageLike } from './image/from-images.js';
export { oriented, pngOrientation, webpOrientation } from './image/orientation.js';
export type { DecodedPixels } from './image/orientation.js';
export type { ImageLayout, ImageTensorOptions } from './image/range.js';
// Three functions of the codec; `@forja/core/onnx` has the rest. If unused, tree shaking removes them and protobufjs:
// see codec.ts.
export { checkModel, decodeModel, encodeModel } from './codec.js';
export type { Model } from './onnx/ir.js';
