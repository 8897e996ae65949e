// Public surface of @forja/core. Named exports only.
export * from './errors.js';
export * from './tensor.js';
export type { AbortSignalLike } from './platform.js';
export type { DeviceName, DeviceReport, RunOptions, Runtime, RuntimeStats, Session, SessionOptions, StateBinding } from './runtime/session.js';
export type { CliArgument, CliCommand, CliIo, CliOption, CliProgress } from './cli/command.js';
export { MANIFEST_KEY } from './generator/manifest.js';
export type { Manifest, ManifestInput, ManifestKind, ManifestOutput } from './generator/manifest.js';
export { checkFeeds, checkTensor } from './runtime/feeds.js';
export { checkModelBytes } from './runtime/model-bytes.js';
export { latents } from './latent/latents.js';
export type { LatentOptions } from './latent/latents.js';
export { checkTruncation } from './latent/truncation.js';
export type { Truncation } from './latent/truncation.js';
export { lerp, slerp } from './latent/slerp.js';
export { latentWalk } from './latent/walks.js';
export type { WalkOptions } from './latent/walks.js';
export { permutation, philoxBernoulli, philoxNormal, philoxUniform } from './latent/streams.js';
export type { StreamPosition } from './latent/streams.js';
