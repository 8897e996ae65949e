// Public surface of @forja/trainer. Named exports only.
export { installGradients, provenGradients, withGradients, type ProvenGradient } from './gradients/index.js';
export { random, withRandom, type RandomPosition } from './random.js';
