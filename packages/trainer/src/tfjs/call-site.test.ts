// Stack traces of different JavaScript engines, and which frame is the user's.
import { runInThisContext, Script } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { callerOf, callSite, packageFolder, siteOf, type Caller } from './call-site.js';

const HOME = '/app/node_modules/@forja/trainer/dist/';

describe('siteOf', () => {
  it('finds the first frame outside tfjs and Forja, as V8 writes it', () => {
    const stack = [
      'Error',
      `    at callSite (file://${HOME}index.js:10:3)`,
      '    at add_ (/app/node_modules/@tensorflow/tfjs-core/dist/tf-core.node.js:1:2)',
      '    at node:internal/process/task_queues:95:5',
      '    at new Promise (<anonymous>)',
      '    at myStep (file:///app/src/my step.ts:12:34)',
      '    at main (/app/src/main.ts:1:1)',
    ].join('\n');
    expect(siteOf(stack, HOME)).toBe('/app/src/my step.ts:12:34');
  });

  it('reads frames without a name, of Windows, Firefox and Safari', () => {
    expect(siteOf('Error\n    at file:///app/a.mjs:3:4', HOME)).toBe('/app/a.mjs:3:4');
    expect(siteOf('Error\n    at step (C:\\app\\a.js:3:4)', HOME)).toBe('C:\\app\\a.js:3:4');
    expect(siteOf('step@http://localhost:8080/app.js:3:4\n', HOME)).toBe('http://localhost:8080/app.js:3:4');
  });

  it.each([
    '/srv/u/tfjs-gan/src/model.ts',
    '/x/tfjs/src/a.ts',
    '/x/tfjs-core/dist/a.js',
    '/app/src/tf.js',
    '/app/src/tf.helpers.js',
    '/x/@tensorflow-gan/src/a.js',
    '/x/@tensorflow/tfjs-gan/a.js',
    '/node_modules/@tensorflow-models/body-pix/dist/a.js',
    'evalmachine.<anonymous>',
    'C:\\tfjs\\src\\a.js',
    'node:mine',
    'node:fsync/a.js',
    'http://localhost/app.js?from=/@tensorflow/tfjs/',
    'data:text/javascript,import"/@tensorflow/tfjs/"',
    '/app/dist/server.js',
    '/app/dist/node_modules/a/index.js',
  ])('takes %s for the user’s', (file) => {
    const home = '/app/dist/node_modules/@forja/trainer/dist/';
    const place = `${file}:3:4`;
    expect(siteOf(`Error\n    at f (${home}index.js:1:2)\n    at g (${place})`, home)).toBe(place);
    expect(siteOf(`Error\n    at g (${place})`)).toBe(place);
  });

  it.each([
    '/x/node_modules/@tensorflow/tfjs/dist/tf.node.js',
    '/x/node_modules/.pnpm/@tensorflow+tfjs-core@4.22.0/node_modules/@tensorflow/tfjs-core/dist/a.js',
    'C:\\x\\node_modules\\@tensorflow\\tfjs-backend-wasm\\dist\\a.js',
    'http://localhost/node_modules/.vite/deps/@tensorflow_tfjs.js?v=1',
    'https://cdn.jsdelivr.net/npm/@tensorflow/tfjs@4.22.0/dist/tf.min.js',
    'webpack-internal:///./node_modules/@tensorflow/tfjs-layers/dist/a.js',
    'node:internal/process/task_queues',
    'node:fs/promises',
    'node:child_process',
    'node:_http_agent',
  ])('takes %s for a library’s', (file) => {
    expect(siteOf(`Error\n    at f (${file}:1:2)\n    at g (/app/a.js:3:4)`, HOME)).toBe('/app/a.js:3:4');
    expect(siteOf(`Error\n    at f (${file}:1:2)\n    at g (/app/a.js:3:4)`)).toBe('/app/a.js:3:4');
  });

  it('skips evaluated code that has no file', () => {
    const stack = 'Error\n    at eval (eval at run (/app/b.js:1:1), <anonymous>:1:1)\n    at /app/a.js:3:4';
    expect(siteOf(stack, HOME)).toBe('/app/a.js:3:4');
  });

  it('is nothing where there is none', () => {
    expect(siteOf('Error', HOME)).toBeUndefined();
    expect(siteOf(`Error\n    at f (${HOME}index.js:1:2)`, HOME)).toBeUndefined();
  });
});

describe('packageFolder', () => {
  const installed = '/app/node_modules/.pnpm/@forja+core@0.1.0/node_modules/@forja/core/dist/index.js';

  it.each([
    [`${HOME}index.js`, '/app/node_modules/@forja/core/dist/chunk-A.js'],
    ['/app/node_modules/.pnpm/@forja+trainer@0.1.0/node_modules/@forja/trainer/dist/index.js', installed],
    ['C:\\forja\\packages\\trainer\\dist\\index.js', 'C:\\forja\\packages\\core\\dist\\index.js'],
    ['/forja/packages/trainer/src/tfjs/call-site.ts', '/forja/packages/core/src/bytes.ts'],
    ['https://x/npm/@forja/trainer@0.1.0/dist/index.js', 'https://x/npm/@forja/core@0.1.0/dist/index.js'],
  ])('is where %s is', (file, core) => {
    expect(file.startsWith(packageFolder(file, core) ?? 'none')).toBe(true);
  });

  it.each([
    ['/app/packages/trainer/dist/train.js', '/app/packages/trainer/dist/train.js'],
    ['/app/packages/trainer/dist/train.js', '/app/packages/trainer/dist/chunk-A.js'],
    ['/app/packages/trainer/dist/train.js', installed],
    ['/app/packages/trainer/src/gan.ts', '/app/packages/core-of-ours/src/a.ts'],
    ['/app/dist/train.js', installed],
  ])('is unknown in a bundle of the user’s: %s, with core in %s', (file, core) => {
    expect(packageFolder(file, core)).toBeUndefined();
  });
});

describe('callerOf', () => {
  const own = (): Caller => callerOf(own);
  const scope = globalThis as { callerOfOwn?: () => Caller };
  const code = '(() => callerOfOwn())()';

  it.each<[string, () => Caller | Promise<Caller>]>([
    ['a file of the user', () => own()],
    ['a built-in function that the user calls', () => [0].map(own)[0] ?? { who: 'library' }],
    ['a script of a vm', () => runInThisContext(code) as Caller],
    ['a script of a vm whose file has no name', () => new Script(code, { filename: '' }).runInThisContext() as Caller],
    [
      'a vm’s script below a folder called tfjs',
      () => runInThisContext(code, { filename: '/x/tfjs/src/a.js' }) as Caller,
    ],
    ['a vm’s script called node:…', () => runInThisContext(code, { filename: 'node:mine' }) as Caller],
    ['a vm’s script in a folder node:…', () => runInThisContext(code, { filename: 'node:mine/fs' }) as Caller],
    ['eval', () => (0, eval)(code) as Caller],
    ['a function made of text', () => new Function(`return ${code}`)() as Caller],
    [
      'a module in a data URL that imports tfjs',
      async () => {
        const source = `/* /@tensorflow/tfjs/ */ export const caller = ${code};`;
        const file = `data:text/javascript,${source.replaceAll(' ', '%20')}`;
        return ((await import(/* @vite-ignore */ file)) as { caller: Caller }).caller;
      },
    ],
  ])('is the user: %s', async (_, call) => {
    scope.callerOfOwn = own;
    try {
      expect((await call()).who).toBe('user');
    } finally {
      delete scope.callerOfOwn;
    }
  });

  it('is tfjs, also evaluated by webpack', () => {
    scope.callerOfOwn = own;
    try {
      const file = 'webpack-internal:///./node_modules/@tensorflow/tfjs-core/dist/engine.js';
      expect((0, eval)(`${code}//# sourceURL=${file}`)).toEqual({ who: 'library' });
      let caller: Caller | undefined;
      tf.tidy(function called() {
        caller = callerOf(called); // tfjs calls it
      });
      expect(caller).toEqual({ who: 'library' });
    } finally {
      delete scope.callerOfOwn;
    }
  });
});

describe('callSite', () => {
  it('is this line, leaves the stack settings alone, and is the same the second time', () => {
    const limit = Error.stackTraceLimit;
    const here = (): string | undefined => callSite();
    const sites = [here(), here()];
    expect(sites[0]).toMatch(/call-site\.test\.ts:\d+:\d+$/);
    expect(sites[1]).toBe(sites[0]);
    expect(Error.stackTraceLimit).toBe(limit);
    expect(new Error('own').stack).toContain('Error: own');
  });
});
