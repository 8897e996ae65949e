// Subpath @forja/trainer/node: the same functions with the Node runtime filled in, plus files, checkpoints and CLI
// commands.
export * from './index.js';
export { resume, train, type NodeTrainHost, type ResumeOptions } from './node/train.js';
export { imageFolder, type ImageFolderOptions, type PictureHost } from './node/image-folder.js';
export { loadData, type DataRequest } from './node/load-data.js';
export { commands } from './node/commands.js';
export { duration } from './node/duration.js';
export { progressListener } from './node/train-command.js';
export type { WatchOptions } from './node/watch.js';
export { exportOnnx, verifyOnnx } from './node/export.js';
export { loadTfjsModel } from './node/load-model.js';
export { compile, compileAll, type NodeCompileAllOptions, type NodeCompileOptions } from './node/compile.js';
export { dataPackages, type DataPackages } from './node/data-packages.js';
export { useTfjsNode, type TfjsNodePlaces } from './node/tfjs-node.js';
