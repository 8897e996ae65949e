// Public surface of @forja/node. Named exports only.
export type { LoadProgress } from './files/contract.js';
export { load } from './load.js';
export type { LoadOptions } from './load.js';
export { runtime } from './runtime.js';
export type { RuntimeOptions } from './runtime.js';
