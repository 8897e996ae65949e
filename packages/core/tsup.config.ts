// How @forja/core is built: four entries for any runtime, and one that index imports. gifenc is CommonJS for Node and without types, so it is bundled in.
import { defineConfig } from 'tsup';
import { recipe } from '../../tsup.base.js';

export default defineConfig(
  recipe({
    entry: { index: 'src/index.ts', page: 'src/page.ts', codec: 'src/codec.ts', onnx: 'src/onnx.ts', conformance: 'src/conformance.ts' },
    platform: 'neutral',
    bundle: ['gifenc'],
    external: ['./codec.js'], // index re-exports from this entry without taking it in
  }),
);
