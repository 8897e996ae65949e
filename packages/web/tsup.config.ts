// How @forja/web is built: the page's library, the command that copies assets, and the module worker. onnxruntime-web
// stays an import (a peer that the app's bundler or forja-web-assets resolves); the workers, the executor of `executor:
// 'inline'` and what rewrites models carry the little of core that they use.
import { defineConfig } from 'tsup';
import { recipe } from '../../tsup.base.js';

export default defineConfig([
  recipe({
    entry: { index: 'src/index.ts', 'left-out': 'src/left-out.ts', 'assets-bin': 'src/assets-bin.ts' },
    types: ['index'],
    platform: 'neutral',
    external: [/^node:/, './inline.js'],
  }),
  ...['worker', 'inline', 'lower', 'prepare'].map((name) => ({
    ...recipe({
      entry: { [name]: `src/${name}.ts` },
      types: [],
      platform: 'neutral' as const,
      bundle: [/^@forja\/core/],
      external: ['./lower.js', './inline.js'],
    }),
    splitting: false,
    treeshake: false,
  })),
]);
