// Public surface of @forja/node. Named exports only.
export { runtime } from './runtime.js';
export type { RuntimeOptions } from './runtime.js';
