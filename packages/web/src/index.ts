// Public surface of @forja/web. Named exports only.
export { runtime } from './runtime.js';
export type { RuntimeOptions, WebRuntime } from './runtime.js';
export { toBlob, toCanvas, toImageBitmap } from './draw.js';
export type { AnyCanvas, Drawable } from './draw.js';
export type { LoadProgress } from './protocol.js';
