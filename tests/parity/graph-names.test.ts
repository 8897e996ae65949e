// `forja inspect --graph` of a model that was exported from tfjs: the boxes of the diagram have the names that the user
// gave to the layers.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportOnnx } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forja } from '../../packages/node/src/jobs/jobs.support.js';

let folder: string;
/** The layers with weights, which nothing removes. */
const NAMED = ['project_4x4', 'Enlarge', 'refine_2', 'to-colours'] as const;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forja-graph-'));
  const [project, enlarge, refine, colours] = NAMED;
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 4 * 4 * 8, inputShape: [16], name: project }),
      tf.layers.reshape({ targetShape: [4, 4, 8] }),
      tf.layers.conv2dTranspose({ filters: 6, kernelSize: 4, strides: 2, padding: 'same', name: enlarge }),
      tf.layers.leakyReLU(),
      tf.layers.conv2d({ filters: 5, kernelSize: 3, padding: 'same', name: refine }),
      tf.layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same', activation: 'tanh', name: colours }),
    ],
  });
  const { model: bytes } = await exportOnnx(model, { inputs: [{ name: 'z', shape: ['batch', 16] }] });
  writeFileSync(join(folder, 'named.onnx'), bytes);
  model.dispose();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Texts of each box, from top to bottom in the file. */
function boxesOf(markup: string): string[][] {
  return [...markup.matchAll(/<g[^>]*>((?:(?!<\/g>)[\s\S])*?<rect[\s\S]*?)<\/g>/g)].map(([, inside = '']) =>
    [...inside.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text),
  );
}

test.each(['html', 'svg'])('a box of the .%s has the name of each layer, in order', async (type) => {
  const { code, text } = await forja(folder, 'inspect', 'named.onnx', '--graph', '-o', `graph.${type}`);
  expect(code, text).toBe(0);
  const boxes = boxesOf(readFileSync(join(folder, `graph.${type}`), 'utf8'));
  const titles = new Set(boxes.map(([title]) => title)); // tanh of the last one is a box of its own
  expect([...titles].filter((title) => NAMED.some((name) => name === title))).toEqual(NAMED);
});
