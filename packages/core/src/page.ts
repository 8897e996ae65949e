// What a page carries that loads a generator and samples: no more than @forja/web needs of core beside its worker. All
// of it is in the root entry too, with the same identity. An entry of its own, since a bundler that splits takes
// everything that a page's imports re-export for reachable, and so loads at once what is imported on first use.
export { abortError, DeviceError, ForjaError, fromErrorRecord, UsageError } from './errors.js';
export { Generator } from './generator/generator.js';
export { classOf, isBytes, kindOf, optionsOf } from './realm.js';
export { DroppedHandles, madeHere } from './runtime/dropped.js';
export { ExecutorRuntime } from './runtime/executor-runtime.js';
export { SharedRuntimes } from './runtime/shared.js';
export { buffersOf, copyOf } from './runtime/tensors.js';
