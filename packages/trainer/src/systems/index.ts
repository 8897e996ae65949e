// The built-in systems, one per line: values of `forja train <name>` and of a configuration's `system`.
export { dcganKind } from './dcgan/index.js';
export { mlpKind } from './mlp/index.js';
export { conditionalKind } from './conditional/index.js';
export { wganGpKind } from './wgan-gp/index.js';
export { resnetKind } from './resnet/index.js';
export { pix2pixKind } from './pix2pix/index.js';
export { cycleganKind } from './cyclegan/index.js';
export { styleganKind } from './stylegan/index.js';
export { text2imageKind } from './text2image/index.js';
export { srganKind } from './srgan/index.js';
