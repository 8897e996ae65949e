// Stack traces of different JavaScript engines, and which frame is the user's.
import { describe, expect, it } from 'vitest';
import { callSite, siteOf } from './call-site.js';

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

  it('is nothing where there is none', () => {
    expect(siteOf('Error', HOME)).toBeUndefined();
    expect(siteOf(`Error\n    at f (${HOME}index.js:1:2)`, HOME)).toBeUndefined();
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
