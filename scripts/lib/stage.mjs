// Helpers of scripts: stages that print one line each (✓ or ✗, name, seconds), child processes without a shell, paths
// of the repository.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

/** The repository's root folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** Path of a tool's JavaScript entry in the root's node_modules, run with `node` so that no shell or shim is needed. */
export const tool = (path) => join(root, 'node_modules', path);

/** The error of a failed stage; `output` is printed below its line. */
export class StageError extends Error {
  constructor(message, output = '') {
    super(message);
    this.output = output;
  }
}

/**
 * Runs a program to its end. `show: true` passes its output through; otherwise the output is collected.
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(file, args, { cwd = root, env = {}, show = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
      shell: process.platform === 'win32' && !file.endsWith('.exe'),
    });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 1, output: signal ? `${output}ended by ${signal}\n` : output }),
    );
  });
}

/** Runs a program and throws a StageError with its output unless it exits 0. */
export async function must(file, args, options) {
  const { code, output } = await run(file, args, options);
  if (code !== 0) throw new StageError(`exit code ${code}`, output);
  return output;
}

/** Runs `node <script>` like `must`. */
export const node = (script, args = [], options = {}) => must(process.execPath, [script, ...args], options);

/** Seconds since `start` (from performance.now()), for a stage's line. */
export const seconds = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;

/**
 * Runs one stage and prints its line. A failure is printed with its output and returned, not thrown.
 * @returns {Promise<{ name: string, ok: boolean, value?: unknown, error?: Error, seconds: number }>}
 */
export async function stage(name, work) {
  const start = performance.now();
  try {
    const value = await work();
    console.log(`✓ ${name} (${seconds(start)})`);
    return { name, ok: true, value, seconds: (performance.now() - start) / 1000 };
  } catch (error) {
    console.log(`✗ ${name} (${seconds(start)}): ${error instanceof Error ? error.message : String(error)}`);
    const text = error instanceof StageError ? error.output : error?.stack;
    if (text?.trim()) console.log(indent(text.trimEnd()));
    return { name, ok: false, error, seconds: (performance.now() - start) / 1000 };
  }
}

const indent = (text) => text.replace(/^/gm, '    ');
