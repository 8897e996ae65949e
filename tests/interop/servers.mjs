// Ray Serve and MLServer with a repository that forja export-repository wrote for them: a v2 client asks for batches of
// 1 to 32, and for 32 at once, and compares with onnxruntime in Python. Part of npm run interop; needs a build. Writes
// the lines of docs/interop.md.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { venv } from './python.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const bin = join(root, 'packages', 'node', 'dist', 'bin.js');
const model = join(root, 'generators', 'clothes.onnx');

/** Packages of each server, in a venv of its own: they want other versions of the same ones. */
const SERVERS = {
  ray: ['ray[serve]==2.60.0', 'onnxruntime==1.32.0', 'tritonclient[http]==2.73.0', 'numpy'],
  mlserver: ['mlserver==1.7.1', 'onnxruntime==1.32.0', 'tritonclient[http]==2.73.0', 'numpy'],
};

/** Runs each. */
export async function servers() {
  const lines = [];
  for (const [name, packages] of Object.entries(SERVERS)) {
    const folder = mkdtempSync(join(tmpdir(), 'forja-server-'));
    const options = ['--server', name, '--device', 'cpu', '--max-batch', '32', '--delay', '2000'];
    try {
      execFileSync(process.execPath, [bin, 'export-repository', `clothes=${model}`, '-o', folder, ...options]);
      const python = venv(`forja-interop-${name}`, packages);
      const script = join(root, 'tests', 'interop', 'servers.py');
      const { status, stdout } = spawnSync(python, [script, name, folder], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: 600_000,
      });
      const line = stdout.split('\n').find((one) => one.startsWith('| ')) ?? `| ${name} | **failed** | | |`;
      if (status !== 0) process.exitCode = 1;
      lines.push(line);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    console.log(lines.at(-1));
  }
  const page = join(root, 'docs', 'interop.md');
  const table = ['| server | versions | batch 1 to 32 | 32 requests at once |', '|---|---|---|---|', ...lines].join(
    '\n',
  );
  const text = readFileSync(page, 'utf8');
  writeFileSync(
    page,
    text.replace(/<!-- servers -->[\s\S]*?<!-- end servers -->/, `<!-- servers -->\n${table}\n\n<!-- end servers -->`),
  );
}
