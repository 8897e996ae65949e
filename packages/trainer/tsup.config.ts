// How @forja/trainer is built: the isomorphic entry and the Node one (files, checkpoints, commands).
import { defineConfig } from 'tsup';
import { recipe } from '../../tsup.base.js';

export default defineConfig(
  recipe({
    entry: { index: 'src/index.ts', node: 'src/node.ts' },
    platform: 'neutral',
    external: [/^node:/],
  }),
);
