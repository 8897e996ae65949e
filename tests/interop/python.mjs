// A Python with packages of its own, for the parts of npm run interop.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The Python of a venv with these packages, made if needed. @param {string} name @param {string[]} packages */
export function venv(name, packages) {
  const folder = join(tmpdir(), name);
  const python = join(folder, 'bin', 'python');
  if (!existsSync(python)) execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
  execFileSync(python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...packages], {
    stdio: 'inherit',
  });
  return python;
}
