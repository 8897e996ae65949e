// Public surface of @forja/node. Named exports only.
export { load } from './load.js';
export type { LoadOptions } from './load.js';
export type { LoadProgress } from './files/read.js';
export { runtime } from './runtime.js';
export type { RuntimeOptions } from './runtime.js';
