// Public surface of @forja/trainer. Named exports only.
export { installGradients, provenGradients, withGradients, type ProvenGradient } from './gradients/index.js';
export { random, withRandom, type RandomPosition } from './random.js';
export { adam, applyUpdates, ema, rmsprop, sgd } from './optimizers/index.js';
export type { AdamOptions, Ema, EmaOptions, Gradients, Optimizer, RmspropOptions, SgdOptions, Update } from './optimizers/index.js';
export { constantRate, cosineDecay, linearDecay, schedule, stepDecay, type Schedule, type ScheduleConfig } from './schedules/index.js';
export { lossOf, losses, type GanLoss, type LossName } from './losses/index.js';
export { dcganDiscriminator, dcganGenerator, type DcganDiscriminatorConfig, type DcganGeneratorConfig } from './models/dcgan.js';
export { mlp, type MlpConfig } from './models/mlp.js';
export { dcgan, type DcganConfig } from './systems/dcgan.js';
export { mlpGan, type MlpGanConfig } from './systems/mlp.js';
export { systems, type SystemConfigs, type SystemName } from './systems/index.js';
export type { GanSystem } from './systems/system.js';
export { compile, scalarOf } from './compile/compile.js';
export { eagerStep } from './compile/eager.js';
export type { CompiledStep, CompileOptions, Feed, StepFunction, StepOptions, StepState, StepSummary } from './compile/step.js';
