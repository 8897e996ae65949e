// Optimizers, clipping and averages for use inside a step.
export { adam, type AdamOptions } from './adam.js';
export { adamw, type AdamwOptions } from './adamw.js';
export { clipByGlobalNorm, clipGradients, globalNorm } from './clip.js';
export { ema, type Ema, type EmaAt, type EmaOptions } from './ema.js';
export { applyUpdates, type Gradients, type Optimizer, type Update } from './optimizer.js';
export { rmsprop, type RmspropOptions } from './rmsprop.js';
export { sgd, type SgdOptions } from './sgd.js';
