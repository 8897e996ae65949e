// Lint: typed rules for what the compiler lets pass (floating promises, inexhaustive switches, any), and what packages
// may import: ARCHITECTURE.md has the table that `border` enforces. No rule about formatting.
import tseslint from 'typescript-eslint';

const tests = ['**/*.test.ts', 'tests/**', '**/*.test-d.ts'];
/** Files written by scripts, which may have long lines. */
const generated = [
  'packages/core/src/onnx/schema/onnx.ts',
  'packages/trainer/src/report/uplot.ts',
  'packages/trainer/src/metrics/features/{clothes,digits}.ts',
];
const builtins =
  '^node:|^(fs|path|os|url|crypto|worker_threads|child_process|module|process|stream|util|zlib|http|https|buffer)(/|$)';

/** Modules that a folder must not import, statically or by import(), each with what to do instead. */
const rules = {
  tfjs: { regex: '^@tensorflow/', message: 'TensorFlow.js lives in @forja/trainer only.' },
  ort: {
    regex: '^onnxruntime',
    message: 'ONNX Runtime lives in @forja/node and @forja/web; take a Runtime as an argument.',
  },
  ortRoot: {
    regex: '^onnxruntime-web$',
    message: 'Import onnxruntime-web/wasm, /webgpu or /jspi: the bare name is the deprecated JSEP build.',
  },
  builtin: { regex: builtins, message: 'No Node built-ins here: inject what is needed.' },
  protobuf: { regex: '^protobufjs|^long$', message: 'Protobuf is read and written in packages/core/src/onnx only.' },
  vitest: { regex: '^vitest', message: 'Product code takes { test, expect } as an argument.' },
  others: (...names) => ({
    regex: `^@forja/(${names.join('|')})(/|$)`,
    message: 'Packages depend on @forja/core only (ARCHITECTURE.md has the table).',
  }),
};

/**
 * The imports refused in `files`. A later entry replaces an earlier one for its files, so each lists all that it
 * refuses.
 */
const border = (files, patterns, ignores = []) => ({
  files,
  ignores: [...tests, ...ignores],
  rules: {
    'no-restricted-imports': ['error', { patterns: patterns.map((p) => ({ ...p, allowTypeImports: false })) }],
    'no-restricted-syntax': [
      'error',
      ...patterns.map(({ regex, message }) => ({
        selector: `ImportExpression > Literal[value=/${regex.replaceAll('/', '\\u002F')}/]`,
        message,
      })),
    ],
  },
});

const { tfjs, ort, ortRoot, builtin, protobuf, vitest, others } = rules;
const inCore = [tfjs, ort, builtin, vitest, others('core', 'node', 'web', 'trainer')];
const inTrainer = [ort, protobuf, vitest, others('web', 'trainer')];

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '**/runs/**',
      '**/coverage/**',
      '**/.cache/**',
      '**/.vitepress/cache/**',
      '**/.output/**',
      'packages/core/src/onnx/schema/**',
      '**/*.d.mts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
      '@typescript-eslint/no-unused-expressions': ['error', { allowShortCircuit: true, allowTernary: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-debugger': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    // Prettier wraps code at 120 columns, but leaves comments and strings alone.
    files: ['**/*.ts', '**/*.mjs', '**/*.js'],
    ignores: generated,
    rules: { 'max-len': ['error', { code: 120, ignoreRegExpLiterals: true, ignoreUrls: true }] },
  },
  {
    // Titles and messages are easier to search for in one piece.
    files: tests,
    rules: {
      'max-len': [
        'error',
        { code: 120, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true, ignoreUrls: true },
      ],
    },
  },
  { files: ['packages/*/src/**/*.ts'], ignores: tests, rules: { 'no-console': 'error' } },
  {
    files: [
      'packages/node/src/{cli,bin}.ts',
      'packages/*/src/{cli,node}/**/*.ts',
      'packages/web/src/assets*.ts',
      'packages/trainer/src/node.ts',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    extends: [tseslint.configs.base],
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  border(['packages/core/src/**/*.ts'], [...inCore, protobuf], ['packages/core/src/onnx/**']),
  border(['packages/core/src/onnx/**/*.ts'], inCore),
  border(['packages/node/src/**/*.ts'], [tfjs, protobuf, vitest, others('node', 'web', 'trainer')]),
  border(
    ['packages/web/src/**/*.ts'],
    [tfjs, ortRoot, builtin, protobuf, vitest, others('node', 'web', 'trainer')],
    ['packages/web/src/assets*.ts'],
  ),
  border(['packages/web/src/assets*.ts'], [tfjs, ortRoot, protobuf, vitest, others('node', 'web', 'trainer')]),
  border(
    ['packages/trainer/src/**/*.ts'],
    [...inTrainer, builtin, others('node')],
    ['packages/trainer/src/node.ts', 'packages/trainer/src/node/**'],
  ),
  border(['packages/trainer/src/node.ts', 'packages/trainer/src/node/**/*.ts'], inTrainer, [
    'packages/trainer/src/node/event-file.ts',
  ]),
  // TensorBoard's event files are protobuf, too.
  border(
    ['packages/trainer/src/node/event-file.ts'],
    inTrainer.filter((rule) => rule !== protobuf),
  ),
);
