// npm run bench:avx2 -- <bench> [flags]: runs a bench (`step`, `phases`, …) as on a processor without AVX-512, on
// Linux and a processor that has it; onnxruntime, PyTorch and the other peers then choose their AVX2 kernels. Needs
// a C compiler. Results go to bench/results/<bench>-avx2-hidden.json, and their `machine.vectors` says so. Clock rate,
// caches and memory are those of the real processor.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [bench = '', ...flags] = process.argv.slice(2);
const file = join(import.meta.dirname, `../${bench}.mjs`);
if (!existsSync(file)) {
  console.error(
    `bench:avx2: expected the name of a bench first, as in \`npm run bench:avx2 -- step --blocks 5\`, got '${bench}'`,
  );
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'forja-avx2-'));
try {
  const library = join(folder, 'hide.so');
  const run = (command, args, env) => {
    const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    if (error) console.error(`bench:avx2: ${command} could not be started: ${error.message}`);
    if (status !== 0) process.exitCode = status ?? 1;
    return status === 0;
  };
  const source = join(import.meta.dirname, 'hide.c');
  if (run('cc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl']))
    run(process.execPath, [file, ...flags], { LD_PRELOAD: library, FORJA_BENCH_AVX512: 'hidden' });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
