// How @forja/core is built: three entries for any runtime. gifenc is CommonJS for Node and without types, so it is bundled in.
import { defineConfig } from 'tsup';
import { recipe } from '../../tsup.base.js';

export default defineConfig(
  recipe({
    entry: { index: 'src/index.ts', onnx: 'src/onnx.ts', conformance: 'src/conformance.ts' },
    platform: 'neutral',
    bundle: ['gifenc'],
  }),
);
