// Subpath `@forja/node/cli`: the `forja` command as a function, and helpers for packages that add commands to it.
export { main } from './cli/main.js';
export type { Host } from './cli/main.js';
export { fileTarget } from './cli/files.js';
export { makeFolder } from './files/make-folder.js';
export { readExternal } from './files/read-file.js';
export { writeAside, writeAsideNow } from './files/write-aside.js';
export { shellWord } from './shell.js';
