// Pipes in the place of a model or its weights are refused, because reading one could wait for ever.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readExternal, readModelFile } from './read-file.js';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'forja-pipe-'))));
afterAll(() => rmSync(folder, { recursive: true }));

it('refuses a pipe that nobody writes to, as a model and as its weights', async (context) => {
  if (process.platform === 'win32') return context.skip('Windows has no pipes in folders');
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await expect(readModelFile(join(folder, 'pipe'))).rejects.toRefuse('model.format', 'got a device or pipe');
  await expect(readExternal(join(folder, 'm.onnx'), new Map([['pipe', 4]]))).rejects.toRefuse(
    'model.format',
    'got a device or pipe',
  );
});
