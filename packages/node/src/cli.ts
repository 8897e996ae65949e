// Subpath `@forja/node/cli`: the `forja` command as a function, and helpers for packages that add commands to it.
export { main } from './cli/main.js';
export type { Host } from './cli/main.js';
export { fileTarget, writeAside, writeAsideNow } from './cli/files.js';
export { makeFolder } from './files/make-folder.js';
export { readExternal } from './files/read-file.js';
export { shellWord } from './cli/shell.js';
