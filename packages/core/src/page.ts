// The part of core that a page needs to load a generator and sample: what @forja/web uses outside its worker. The root
// entry exports the same objects. It is a separate entry because code-splitting bundlers treat everything that an
// imported entry re-exports as reachable, and would load code up front that should be imported on first use.
export { abortError, DeviceError, ForjaError, fromErrorRecord, UsageError } from './errors.js';
export { Generator } from './generator/generator.js';
export { classOf, isBytes, oneOf, optionsOf } from './realm.js';
export { shown } from './shown.js';
export { DroppedHandles, madeHere } from './runtime/dropped.js';
export { ExecutorRuntime } from './runtime/executor-runtime.js';
export { SharedRuntimes } from './runtime/shared.js';
export { buffersOf, copyOf } from './runtime/tensors.js';
export { watchdog } from './runtime/watchdog.js';
