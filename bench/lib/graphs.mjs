// The files that bench/graph.mjs times: each network exported by exportOnnx, the same trace lowered without passes on
// the program, and tf2onnx's export. Uses the sources of the packages and of the tests' networks, so bench/graph.mjs
// bundles it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { decodeModel, encodeModel } from '@forja/core/onnx';
import { loadTfjsModel } from '@forja/trainer/node';
import { capture } from '../../packages/trainer/src/export/capture.ts';
import { subjectOf } from '../../packages/trainer/src/export/subject.ts';
import { lowerProgram } from '../../packages/trainer/src/lower/lower.ts';
import { optimize } from '../../packages/trainer/src/rewrite/optimize.ts';
import { network } from '../../tests/parity/support/networks.ts';
import { nsfwModel, packaged } from '../../tests/models/published.ts';

/** Networks, their widths, and the sizes that they run at. `peer`: tf2onnx supports all their layers. */
const MADE = [
  ['dcgan', 8, { batch: 1 }, true],
  ['dcgan', 8, { batch: 16 }, true],
  ['srgan', 8, { batch: 1, height: 48, width: 48 }, false],
  ['esrgan', 4, { batch: 1, height: 48, width: 48 }, false],
  ['unet', 8, { batch: 1, height: 128, width: 128 }, true],
  ['resnet', 6, { batch: 1, height: 64, width: 64 }, false],
  ['attention', 4, { batch: 1, height: 48, width: 48 }, false],
  ['critic', 8, { batch: 16 }, true],
  ['conditional', 8, { batch: 16 }, true],
];

/** All cases whose name contains `only`, with their files in `folder`; with `python`, also tf2onnx's file. */
export async function graphs(folder, { only = '', python }) {
  await tf.setBackend('cpu');
  const cases = [];
  for (const [name, wide, sizes, peer] of MADE) {
    const title = `${name} ×${wide}, ${Object.values(sizes).join('×')}`;
    if (title.includes(only))
      cases.push(await files(folder, title, network(name, wide), sizes, peer ? python : undefined));
    tf.disposeVariables();
  }
  const published = [
    [
      'esrgan-medium ×4, 64×64',
      { batch: 1, height: 64, width: 64 },
      () => ({ path: packaged('@upscalerjs/esrgan-medium', 'models/x4/model.json'), remove: async () => {} }),
    ],
    ['nsfwjs mobilenet_v2, 224×224', { batch: 1 }, () => nsfwModel('mobilenet_v2')],
  ];
  for (const [title, sizes, open] of published.filter(([title]) => title.includes(only))) {
    const { path, remove } = await open();
    cases.push(await files(folder, title, await loadTfjsModel(path), sizes, python));
    await remove();
  }
  return cases;
}

async function files(folder, title, model, sizes, python) {
  const own = join(folder, title.replace(/[^\w]+/g, '_'));
  mkdirSync(own, { recursive: true });
  const subject = subjectOf(model, undefined, undefined);
  const { program } = capture(subject);
  const write = (name, lowered) => {
    const path = join(own, `${name}.onnx`);
    writeFileSync(path, encodeModel(lowered.model));
    return path;
  };
  const made = {
    forja: write('forja', lowerProgram(optimize(program), { target: 'portable' })),
    'without passes': write('plain', lowerProgram(program, { target: 'portable' })),
  };
  if (python !== undefined) made.tf2onnx = await byTf2onnx(own, model, python);
  const shapes = subject.inputs.map(({ dtype, shape }) => ({
    dtype,
    shape: shape.map((dim) => (typeof dim === 'number' ? dim : sizes[dim])),
  }));
  return { name: title, files: made, inputs: shapes };
}

/**
 * The graph that onnxruntime runs after its own optimizations: each node's operator, fused activation and shapes of
 * constants, sorted. If it is equal for two files, they do the same work.
 */
export async function nodesOf(file) {
  const optimizedModelFilePath = `${file}.optimized`;
  const session = await ort.InferenceSession.create(file, {
    graphOptimizationLevel: 'all',
    optimizedModelFilePath,
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  await session.release();
  const { graph } = decodeModel(readFileSync(optimizedModelFilePath));
  const shapes = new Map(graph.initializers.map(({ name, dims }) => [name, `[${dims.join()}]`]));
  return graph.nodes
    .map(({ opType, inputs, attributes }) =>
      `${opType}${attributes
        .filter(({ name }) => name === 'activation')
        .map(({ s }) => `+${new TextDecoder().decode(s)}`)
        .join('')} ${inputs.map((input) => shapes.get(input) ?? '').join(' ')}`.trim(),
    )
    .sort();
}

/** tfjs → Keras's SavedModel → tf2onnx, by the official converters. */
async function byTf2onnx(folder, model, python) {
  const [layers, saved, path] = ['layers', 'saved', 'tf2onnx.onnx'].map((name) => join(folder, name));
  mkdirSync(layers, { recursive: true });
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      const weights = Buffer.from(
        Array.isArray(artifacts.weightData)
          ? Buffer.concat(artifacts.weightData.map((part) => Buffer.from(part)))
          : artifacts.weightData,
      );
      writeFileSync(join(layers, 'weights.bin'), weights);
      writeFileSync(
        join(layers, 'model.json'),
        JSON.stringify({
          modelTopology: artifacts.modelTopology,
          format: 'layers-model',
          weightsManifest: [{ paths: ['weights.bin'], weights: artifacts.weightSpecs }],
        }),
      );
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    }),
  );
  const run = (...args) =>
    execFileSync(python, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '' },
    });
  run(
    '-m',
    'tensorflowjs.converters.converter',
    '--input_format=tfjs_layers_model',
    '--output_format=keras_saved_model',
    join(layers, 'model.json'),
    saved,
  );
  run('-m', 'tf2onnx.convert', '--saved-model', saved, '--output', path, '--opset', '17');
  return path;
}
