// Models by address: which addresses weight files are asked for at, with escapes and queries as tfjs takes them.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadTfjsModel } from './load-tfjs.js';

let server: Server;
let origin: string;
let files: Record<string, string | Buffer> = {};
const asked: string[] = [];
let weights: number[];
let saved: tf.io.ModelArtifacts;

beforeAll(async () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
  weights = [...(model.getWeights()[0]?.dataSync() ?? [])];
  await model.save({
    save: (artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    },
  });
  model.dispose();
  // Answers addresses as they were asked for, letter by letter.
  server = createServer((request, response) => {
    const { url = '' } = request;
    asked.push(url);
    const file = files[url];
    response.statusCode = file === undefined ? 404 : 200;
    response.end(file ?? 'not here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

function put(address: string, path: string, weightsAt: string): string {
  const { modelTopology, weightSpecs, weightData } = saved;
  files = {
    [address]: JSON.stringify({ modelTopology, weightsManifest: [{ paths: [path], weights: weightSpecs }] }),
    [weightsAt]: Buffer.from(weightData as ArrayBuffer),
  };
  asked.length = 0;
  return origin + address;
}

test.each([
  ['/models/model.json', 'shard.bin', '/models/shard.bin'],
  // Firebase: the whole path is one step.
  ['/v0/o/models%2Fmodel.json?alt=media', 'models%2Fshard.bin', '/v0/o/models%2Fshard.bin?alt=media'],
  [
    '/v0/o/models%2Fmodel.json?alt=media&token=1',
    'models%2Fshard.bin?alt=media&token=2',
    '/v0/o/models%2Fshard.bin?alt=media&token=2',
  ],
  ['/my%20models/model.json', 'a%20b.bin', '/my%20models/a%20b.bin'],
  ['/models/model.json', 'parts/a b#1.bin', '/models/parts/a%20b%231.bin'],
  ['/models/model.json', '100%.bin', '/models/100%25.bin'],
  ['/models/model.json', 'gewicht-ü.bin', '/models/gewicht-%C3%BC.bin'],
])('%s with %s asks for %s', async (address, path, weightsAt) => {
  const model = (await loadTfjsModel(put(address, path, weightsAt))) as tf.LayersModel;
  expect(asked).toEqual([address, weightsAt]);
  expect([...(model.getWeights()[0]?.dataSync() ?? [])]).toEqual(weights);
  model.dispose();
});

test.each([
  '../shard.bin',
  '%2e%2e/shard.bin',
  'a/%2E%2E/%2e./b.bin',
  '..%2Fshard.bin',
  '%2Fshard.bin',
  'http%3A//x/y',
  '..%5cshard.bin',
])('%s is out of the folder: nothing is asked for', async (path) => {
  const address = put('/models/model.json', path, '/shard.bin');
  await expect(loadTfjsModel(address)).rejects.toMatchObject({ code: 'model.integrity' });
  expect(asked).toEqual(['/models/model.json']);
});
