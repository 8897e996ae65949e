// Layers inside the packages, from the lowest to the highest: a folder imports only from itself and from those before
// it, and no file imports itself through others. ARCHITECTURE.md explains the order. Borders between packages:
// eslint.config.mjs.
const layers = {
  core: ['.', 'latent', 'onnx', 'manifest', 'image', 'runtime', 'generator', 'cli', 'conformance'],
  trainer: [
    ['.', 'tfjs'],
    'kernels',
    'program',
    'gradients',
    'trace',
    'rewrite',
    'lower',
    ['losses', 'penalties', 'augment', 'optimizers', 'schedules', 'models', 'data'],
    'records',
    'compile',
    'export',
    'systems',
    'metrics',
    'diagnosis',
    'report',
    'train',
    'study',
    'node',
  ],
};

/** Files directly in `src` are shared helpers, but for the entries, which re-export everything. */
const entries = '/src/(index|node|page|onnx|codec|conformance)[.]ts$';
const place = (name, layer) =>
  layer === '.' ? `^packages/${name}/src/[^/]+[.]ts$` : `^packages/${name}/src/${layer}/`;

const upward = Object.entries(layers).flatMap(([name, order]) =>
  order.slice(0, -1).map((layer, i) => ({
    name: `${name}: ${[layer].flat().join(', ')} imports nothing above it`,
    severity: 'error',
    from: { path: [layer].flat().map((l) => place(name, l)), pathNot: [entries, '[.]test[.]ts$', '/testing/'] },
    to: {
      path: order
        .slice(i + 1)
        .flat()
        .map((l) => place(name, l)),
    },
  })),
);

export default {
  forbidden: [
    {
      name: 'no circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...upward,
  ],
  options: {
    tsPreCompilationDeps: true,
    includeOnly: '^packages/[a-z]+/src/',
    exclude: { path: '[.]d[.]ts$' },
    tsConfig: { fileName: 'tsconfig.base.json' },
  },
};
