// The service against Triton's own Python client, JSON and binary tensors. FORJA_PYTHON names a Python that has
// tritonclient[http]; without one it is skipped, and says so.
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { listen, serve } from '@forja/node/serve';
import { expect, test } from 'vitest';

const python = process.env['FORJA_PYTHON'] ?? 'python3';
const hasClient = spawnSync(python, ['-c', 'import tritonclient.http']).status === 0;

test('tritonclient finds, asks and understands it', async ({ skip }) => {
  skip(!hasClient, `${python} has no tritonclient[http]: FORJA_PYTHON names one that has`);
  const g = new GraphBuilder({ name: 'double' });
  const x = g.input('x', 'float32', ['n', 3]);
  g.output('y', g.op('Add', [x, x]));
  const service = serve({ models: { double: encodeModel(g.build()) }, load: { device: 'cpu', threads: 1 } });
  const server = await listen(service, { port: 0 });
  await service.ready;
  const { stdout } = await promisify(execFile)(python, [
    fileURLToPath(new URL('./oip-client.py', import.meta.url)),
    new URL(server.url).host,
  ]);
  expect(stdout).toBe('ok\n');
  expect(service.stats()).toEqual({ accepted: 8, answered: 8, aborted: 0 });
  await server.close();
});
