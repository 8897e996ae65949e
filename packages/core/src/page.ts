// The part of core that a page needs to load a generator and sample; what @forja/web needs outside its worker. All of
// it is in the root entry too, with the same identity. A separate entry, because bundlers that split treat everything
// that an imported entry re-exports as reachable, and so would load up front what is meant to be imported on first use.
export { abortError, DeviceError, ForjaError, fromErrorRecord, UsageError } from './errors.js';
export { Generator } from './generator/generator.js';
export { classOf, isBytes, oneOf, optionsOf } from './realm.js';
export { shown } from './shown.js';
export { DroppedHandles, madeHere } from './runtime/dropped.js';
export { ExecutorRuntime } from './runtime/executor-runtime.js';
export { heard } from './runtime/heard.js';
export { SharedRuntimes } from './runtime/shared.js';
export { buffersOf, copyOf } from './runtime/tensors.js';
