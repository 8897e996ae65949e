// Public surface of @forja/trainer. Named exports only.
export { installGradients, provenGradients, withGradients, type ProvenGradient } from './gradients/index.js';
