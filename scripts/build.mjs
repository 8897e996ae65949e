// Builds the packages in the order core → node and web → trainer: `node scripts/build.mjs [names…] [--no-dts]
// [--if-needed]`. Files are written in place, so that processes that run on an older build keep working; files that the
// build no longer writes are removed afterwards.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StageError, node, root, stage, tool } from './lib/stage.mjs';

/** Packages in build order, each with the packages whose output it needs. */
const needs = { core: [], node: ['core'], web: ['core'], trainer: ['core', 'node'] };
const order = [['core'], ['node', 'web'], ['trainer']];

/** Builds the named packages (all by default). @returns {Promise<boolean>} whether all of them succeeded */
export async function build({ names = order.flat(), dts = true, ifNeeded = false } = {}) {
  const failed = new Set();
  for (const row of order) {
    const due = row.filter((name) => names.includes(name) && !(ifNeeded && fresh(name, dts)));
    await Promise.all(
      due.map(async (name) => {
        const missing = needs[name].find((need) => failed.has(need));
        const { ok } = await stage(`build ${name}${dts ? '' : ' (without types)'}`, () => {
          if (missing) throw new StageError(`${missing} was not built`);
          return buildOne(name, dts);
        });
        if (!ok) failed.add(name);
      }),
    );
  }
  return failed.size === 0;
}

async function buildOne(name, dts) {
  const cwd = join(root, 'packages', name);
  const start = Date.now();
  const state = fingerprint(name);
  await node(tool('tsup/dist/cli-default.js'), [], {
    cwd,
    env: { FORJA_DTS: dts ? '1' : '0', NODE_ENV: 'production' },
  });
  sweep(join(cwd, 'dist'), start, dts);
  mkdirSync(cache, { recursive: true });
  writeFileSync(stamp(name), JSON.stringify({ state, dts }));
}

/** Removes outputs older than the build; a build without types leaves the old declarations. */
function sweep(dist, start, dts) {
  for (const file of readdirSync(dist, { withFileTypes: true })) {
    const path = join(dist, file.name);
    const typed = /\.d\.ts(\.map)?$/.test(file.name);
    if (file.isFile() && (dts || !typed) && statSync(path).mtimeMs < start - 1000) rmSync(path);
  }
}

const cache = join(root, 'node_modules', '.cache', 'forja');
const stamp = (name) => join(cache, `build-${name}.json`);

function fresh(name, dts) {
  if (!existsSync(stamp(name)) || !existsSync(join(root, 'packages', name, 'dist', 'index.js'))) return false;
  const last = JSON.parse(readFileSync(stamp(name), 'utf8'));
  return last.state === fingerprint(name) && (last.dts || !dts);
}

/**
 * A digest of everything that determines a package's output: its sources and build scripts, and those of the packages
 * that it needs.
 */
function fingerprint(name) {
  const hash = createHash('sha256');
  for (const part of [...needs[name], name]) {
    const folder = join(root, 'packages', part);
    for (const file of ['package.json', 'tsup.config.ts', 'tsconfig.build.json', 'tsconfig.json'])
      add(join(folder, file));
    for (const file of readdirSync(join(folder, 'src'), { recursive: true, withFileTypes: true }).sort((a, b) =>
      key(a).localeCompare(key(b)),
    ))
      if (file.isFile() && !file.name.endsWith('.test.ts')) add(key(file));
  }
  for (const file of ['tsup.base.ts', 'tsconfig.base.json']) add(join(root, file));
  return hash.digest('hex');

  function add(path) {
    if (existsSync(path)) hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  }
}

const key = (entry) => join(entry.parentPath, entry.name);

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = process.argv.slice(2);
  const names = args.filter((a) => !a.startsWith('--'));
  const unknown = names.filter((n) => !order.flat().includes(n));
  if (unknown.length > 0) {
    console.error(`build: expected package names among ${order.flat().join(', ')}, got ${unknown.join(', ')}`);
    process.exit(2);
  }
  const ok = await build({
    ...(names.length > 0 && { names }),
    dts: !args.includes('--no-dts'),
    ifNeeded: args.includes('--if-needed'),
  });
  process.exit(ok ? 0 : 1);
}
