// Optimizers and averages for use inside a step.
export { adam, type AdamOptions } from './adam.js';
export { ema, type Ema, type EmaOptions } from './ema.js';
export { applyUpdates, type Gradients, type Optimizer, type Update } from './optimizer.js';
export { rmsprop, type RmspropOptions } from './rmsprop.js';
export { sgd, type SgdOptions } from './sgd.js';
