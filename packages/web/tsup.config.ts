// How @forja/web is built: the page's library, the module worker that runs onnxruntime-web, and the command that copies assets.
import { defineConfig } from 'tsup';
import { recipe } from '../../tsup.base.js';

export default defineConfig(
  recipe({
    entry: { index: 'src/index.ts', worker: 'src/worker.ts', 'assets-bin': 'src/assets-bin.ts' },
    types: ['index'],
    platform: 'neutral',
    external: [/^node:/],
  }),
);
