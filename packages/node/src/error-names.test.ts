// Errors keep their names in a minified bundle, where classes are renamed: pages show them by String(error), and
// isForjaError knows errors of another copy of core by their names.
import { fileURLToPath } from 'node:url';
import * as core from '@forja/core';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('names of errors survive a minifier', async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../core/src/errors.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  const [{ text = '' } = {}] = outputFiles;
  const minified = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as typeof core;
  const made = [
    new minified.ForjaError('io', 'x'),
    new minified.UsageError('x'),
    new minified.ModelFormatError('model.format', 'x'),
    new minified.DeviceError('device.lost', 'x'),
    new minified.OverloadedError('x'),
    new minified.ExportError('export.mismatch', 'x'),
    new minified.StateLost(),
    minified.abortError('x'),
  ];
  const names = 'ForjaError UsageError ModelFormatError DeviceError OverloadedError ExportError StateLost AbortError';
  expect(made.map(({ name }) => name)).toEqual(names.split(' '));
  class Own extends core.ExportError {}
  expect(new Own('export.mismatch', 'x').name).toBe('Own');
  expect(made.every((error) => core.isForjaError(error) && !(error instanceof core.ForjaError))).toBe(true);
});
