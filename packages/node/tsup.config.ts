// How @forja/node is built: the library, the command (cli, bin), the service and the worker thread that runs
// onnxruntime-node.
import { defineConfig } from 'tsup';
import { recipe } from '../../tsup.base.js';

export default defineConfig(
  recipe({
    entry: {
      index: 'src/index.ts',
      cli: 'src/cli.ts',
      serve: 'src/serve.ts',
      bin: 'src/bin.ts',
      worker: 'src/worker.ts',
    },
    types: ['index', 'cli', 'serve'],
    platform: 'node',
  }),
);
