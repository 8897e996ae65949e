// How @forja/core is built: four entries for any runtime, and those that index imports. gifenc is CommonJS for Node and
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
    // index re-exports from codec; Generator imports beside, and the runtime shared-state, without taking them in
    external: ['./codec.js', './beside.js', './shared-state.js'],
  }),
  ...['generator/beside', 'runtime/shared-state'].map((path) => ({
    // What is imported on first use, with copies of its own but of the errors: a bundler that splits puts what it
    // shares with the entries into files that every page loads, used or not.
    ...recipe({ entry: { [path.replace(/.*\//, '')]: `src/${path}.ts` }, types: [], platform: 'neutral' as const }),
    esbuildPlugins: [errorsOfTheEntries],
  })),
]);
