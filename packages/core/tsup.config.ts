// How @forja/core is built: the entries, and two files that they import on first use. gifenc is CommonJS for Node and
// without types, so it is bundled in.
import { defineConfig, type Options } from 'tsup';
import { recipe } from '../../tsup.base.js';

const errorsOfTheEntries: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'errors of the entries',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/errors\.js$/ }, () => ({ path: './errors.js', external: true, sideEffects: false })),
};

export default defineConfig([
  recipe({
    entry: {
      index: 'src/index.ts',
      page: 'src/page.ts',
      codec: 'src/codec.ts',
      onnx: 'src/onnx.ts',
      conformance: 'src/conformance.ts',
      errors: 'src/errors.ts',
    },
    types: ['index', 'page', 'codec', 'onnx', 'conformance'],
    platform: 'neutral',
    bundle: ['gifenc'],
    // separate files: index re-exports codec, Generator imports lazy on first use, and the runtime shared-state
    external: ['./codec.js', './lazy.js', './shared-state.js'],
  }),
  ...['generator/lazy', 'runtime/shared-state'].map((path) => ({
    // Imported on first use. Each has its own copy of what it needs (except the errors): bundlers that split would put
    // code shared with the entries into files that every page loads.
    ...recipe({ entry: { [path.replace(/.*\//, '')]: `src/${path}.ts` }, types: [], platform: 'neutral' as const }),
    esbuildPlugins: [errorsOfTheEntries],
  })),
]);
