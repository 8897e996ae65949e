// Layers inside the packages, from the lowest to the highest: a folder imports only from itself and from those before
// it, and no file imports itself through others, not even its types. A layer is a folder, a file of `src`, or `.`, all
// files of `src` but the entries. ARCHITECTURE.md explains the order. Borders between packages: eslint.config.mjs.
const layers = {
  core: ['.', 'latent', 'onnx', 'manifest', 'image', 'runtime', 'generator', 'cli', 'conformance'],
  node: [
    ['has-code.ts', 'module-url.ts', 'sample-values.ts', 'shell.ts', 'templates.ts', 'threads.ts', 'version.ts'],
    ['cuda', 'files', 'graph', 'worker-url.ts'],
    ['executor', 'adaptive.ts'],
    'runtime.ts',
    'load.ts',
    'serve',
    ['jobs', 'repository'],
    'cli',
  ],
  web: [
    ['protocol.ts', 'lower.ts'],
    'worker',
    ['contract.ts', 'inline.ts', 'remote.ts', 'executor.ts', 'post.ts'],
    'runtime.ts',
    'load.ts',
  ],
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

/** Entries re-export everything. */
const entries = '/src/(index|node|page|onnx|codec|conformance)[.]ts$';
const place = (name, layer) => {
  if (layer === '.') return `^packages/${name}/src/[^/]+[.]ts$`;
  return `^packages/${name}/src/${layer.endsWith('.ts') ? `${layer.replace('.', '[.]')}$` : `${layer}/`}`;
};

const upward = Object.entries(layers).flatMap(([name, order]) =>
  order.slice(0, -1).map((layer, i) => ({
    name: `${name}: ${[layer].flat().join(', ')} imports nothing above it`,
    severity: 'error',
    from: {
      path: [layer].flat().map((l) => place(name, l)),
      pathNot: [entries, '[.](test|support)[.]ts$', '/testing/'],
    },
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
    { name: 'no circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: "web: a page's side imports nothing of the worker's",
      severity: 'error',
      from: { path: place('web', '.'), pathNot: '/src/(worker|inline|assets)[.]ts$|[.]test[.]ts$' },
      to: { path: place('web', 'worker') },
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
