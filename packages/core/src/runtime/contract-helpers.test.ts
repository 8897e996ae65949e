// What untyped callers and authors of other runtimes may pass to the helpers of the runtime contract by mistake.
import { expect, test } from 'vitest';
import * as core from '../index.js';

const spec = { name: 'x', dtype: 'float32', shape: [2] };
const value = { dtype: 'float32', shape: [2], data: new Float32Array(2) };

/** Calls with one argument to be replaced, by name. */
const CALLS: Record<string, [(wrong: never) => unknown, 'usage' | 'input.shape']> = {
  'checkFeeds.inputs': [(wrong) => core.checkFeeds(wrong, {}), 'usage'],
  'checkFeeds.feeds': [(wrong) => core.checkFeeds([spec as never], wrong), 'usage'],
  'checkTensor.spec': [(wrong) => core.checkTensor('x', wrong, value as never), 'usage'],
  'checkTensor.value': [(wrong) => core.checkTensor('x', spec as never, wrong), 'input.shape'],
  'checkKind.spec': [(wrong) => core.checkKind('x', wrong, value as never, new Map()), 'usage'],
  'checkKind.value': [(wrong) => core.checkKind('x', spec as never, wrong, new Map()), 'usage'],
  goldenFeeds: [(wrong) => core.goldenFeeds(wrong), 'usage'],
  'specsOf.model': [(wrong) => core.specsOf(wrong, []), 'usage'],
  'specsOf.metadata': [(wrong) => core.specsOf(new Uint8Array(), wrong), 'usage'],
  countNodes: [core.countNodes, 'usage'],
  declaredShapes: [core.declaredShapes, 'usage'],
  externalFiles: [core.externalFiles, 'usage'],
  externalLocations: [core.externalLocations, 'usage'],
  weightPrecision: [core.weightPrecision, 'usage'],
  'psnr.wanted': [(wrong) => core.psnr(wrong, []), 'usage'],
  'decibels.reference': [(wrong) => core.decibels([], wrong, 1), 'usage'],
  someClass: [core.someClass, 'usage'],
  streamOf: [core.streamOf, 'usage'],
  'manifestFor.inputs': [(wrong) => core.manifestFor(undefined, undefined, wrong, []), 'usage'],
  'manifestFor.outputs': [(wrong) => core.manifestFor(undefined, undefined, [], wrong), 'usage'],
};

test.each(Object.entries(CALLS))('%s', (_, [call, code]) => {
  for (const wrong of [undefined, null, 0, true]) expect(() => call(wrong as never)).toRefuse(code);
});

test('checkIntegrity refuses a manifest that is none', async () => {
  const digest = (): Promise<string> => Promise.resolve('');
  for (const wrong of [undefined, null, 0])
    await expect(core.checkIntegrity(new Uint8Array(), wrong as never, digest as never)).rejects.toRefuse('usage');
});

test('a bool is a byte of 0 or 1: kernels compute with others', () => {
  const [bools, bytes] = [
    { name: 'b', dtype: 'bool', shape: [3] },
    { name: 'b', dtype: 'uint8', shape: [3] },
  ] as const;
  const of = (dtype: 'bool' | 'uint8', ...data: number[]) => ({ dtype, shape: [3], data: Uint8Array.from(data) });
  core.checkTensor('x', { ...bools, shape: [3] }, of('bool', 0, 1, 1));
  core.checkTensor('x', { ...bytes, shape: [3] }, of('uint8', 0, 1, 255));
  for (const byte of [2, 255])
    expect(() => core.checkTensor('x', { ...bools, shape: [3] }, of('bool', 0, 1, byte))).toRefuse('input.shape', 'x');
});
