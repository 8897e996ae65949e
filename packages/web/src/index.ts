// Public surface of @forja/web. Named exports only.
export { load } from './load.js';
export type { LoadOptions } from './load.js';
export { runtime } from './runtime.js';
export type { RuntimeOptions, WebRuntime } from './runtime.js';
export { toBlob, toCanvas, toImageBitmap } from './draw.js';
export type { AnyCanvas, Drawable } from './draw.js';
export type { LoadProgress } from './protocol.js';
