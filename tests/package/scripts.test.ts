// Refusals and counts of the repository's scripts: an old Node, a wrong browser path, an unknown package, broken test
// files.
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './support/pack.js';

function node(args: string[], env: Record<string, string> = {}): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, output: stdout + stderr };
}
const script = (source: string): string[] => ['--input-type=module', '-e', source];

test('setup refuses an old Node in one line', () => {
  const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.1' } });";
  const { status, output } = node(
    script(`${old} const { setup } = await import('./scripts/setup.mjs'); process.exit((await setup()) ? 0 : 1);`),
  );
  expect(output).toBe(
    'setup: expected Node 20.19 or newer, got 20.18.1. Install a newer Node and run the command again.\n',
  );
  expect(status).toBe(1);
});

test('a wrong CHROMIUM_PATH is an error; no other browser is searched', () => {
  const path = join(root, 'no-such-browser');
  const { output } = node(
    script(
      "const { findChromium } = await import('./scripts/lib/chromium.mjs'); try { console.log(findChromium()); } catch (e) { console.log(e.message); }",
    ),
    {
      CHROMIUM_PATH: path,
    },
  );
  expect(output).toBe(`CHROMIUM_PATH: expected the path of a browser, got ${path}, which does not exist\n`);
});

test('build names the packages it knows', () => {
  const { status, output } = node(['scripts/build.mjs', 'kore']);
  expect(output).toBe('build: expected package names among core, node, web, trainer, got kore\n');
  expect(status).toBe(2);
});

test('tfjs-node reports wrong arguments in one line', () => {
  const linux = process.platform === 'linux' && process.arch === 'x64' && process.versions.node.split('.')[0]! < '23';
  const refusal = (...args: string[]): string => {
    // a runner may set it to where everything is found
    const { status, output } = node(['scripts/tfjs-node.mjs', ...args], { NODE_PATH: '' });
    expect(status).toBe(1);
    return output;
  };
  expect(refusal('--bogus')).toMatch(/^tfjs-node: Unknown option '--bogus'.*\n$/);
  if (!linux) return void expect(refusal()).toMatch(/^tfjs-node: expected (Linux x86-64|Node 20 or 22), got .*\n$/);
  expect(refusal('--wheel', 'no-such.whl')).toBe('tfjs-node: --wheel: expected a file, got nothing at no-such.whl\n');
  expect(refusal('--for', tmpdir())).toMatch(
    /^tfjs-node: expected @tensorflow\/tfjs-node to be found from .*, got none; run there: npm install @tensorflow\/tfjs-node@4\.22\.0 --ignore-scripts\n$/,
  );
});

const PAGES = { gallery: 'scripts/gallery.mjs', live: 'scripts/live.mjs', playground: 'scripts/playground.mjs' };

test.each(Object.entries({ ...PAGES, demo: 'examples/mnist/demo.mjs' }))(
  '%s has help with examples that it can parse, and suggests for a mistyped flag',
  (command, file) => {
    const help = node([file, '--help']);
    expect(help.status, help.output).toBe(0);
    expect(help.output).toMatch(new RegExp(`^Usage: npm run ${command} -- `));
    const examples = [...help.output.matchAll(new RegExp(`^ {2}\\$ npm run ${command}(?: -- (.*))?$`, 'gm'))];
    expect(examples.length).toBeGreaterThan(1);
    // --help as the last flag: the others are parsed, and nothing is started
    for (const [, flags = ''] of examples)
      expect(node([file, ...flags.split(' ').filter(Boolean), '--help'])).toEqual(help);

    const [flag, wrong] = command === 'demo' ? ['steps', 'setps'] : ['port', 'prot'];
    expect(node([file, `--${wrong}`, '1'])).toEqual({
      status: 2,
      output: `${command}: expected a known flag, got --${wrong}; did you mean '--${flag}'?\n`,
    });
    expect(node([file, '--nothing-like-it']).output).toBe(
      `${command}: expected a known flag, got --nothing-like-it; see --help\n`,
    );
  },
);

test('a test file that does not load, and an error outside any test, are failures', () => {
  const file = (status: string, ...states: string[]): object => ({
    name: join(root, 'a.test.ts'),
    status,
    assertionResults: states.map((s) => ({ fullName: 't', status: s, duration: 1500 })),
  });
  const counts = (files: object[], code: number): unknown => {
    const { output } = node(
      script(
        `const { read } = await import('./scripts/lib/vitest.mjs'); console.log(JSON.stringify(read(${JSON.stringify({ testResults: files })}, ${code}).counts));`,
      ),
    );
    return JSON.parse(output);
  };
  expect(counts([file('passed', 'passed', 'skipped'), file('failed', 'failed', 'passed')], 1)).toEqual({
    passed: 2,
    failed: 1,
    skipped: 1,
  });
  expect(counts([file('failed')], 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(counts([file('passed', 'passed')], 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
});
