// How @forja/trainer is built: the isomorphic entry and the Node one (files, checkpoints, commands), with
// the thread that decodes pictures.
import { defineConfig } from 'tsup';
import { recipe } from '../../tsup.base.js';

export default defineConfig(
  recipe({
    entry: { index: 'src/index.ts', node: 'src/node.ts', 'decode-worker': 'src/node/decode-worker.ts' },
    types: ['index', 'node'],
    platform: 'neutral',
    external: [/^node:/],
  }),
);
