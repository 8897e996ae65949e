// Writes MODEL_CARD.md: inputs, outputs, permitted use, and code that loads the file in five runtimes. Texts from the
// model are escaped.
import type { Dim, Manifest, ManifestInput, ManifestOutput } from '@forja/core';
import { hex, sha256 } from '../digest.js';
import type { ExportReport } from './report.js';
import { criterion, markdownText, storedText } from './report-text.js';

/** Input of a card. */
export interface CardSource {
  /** Name of the ONNX file. */
  file: string;
  report: ExportReport;
  manifest: Partial<Pick<Manifest, 'kind' | 'license' | 'trainedOn' | 'metrics'>>;
}

/** The last line of a card has a digest of the text before it, which shows whether it was edited. */
const MARK = /\n<!-- written by forja, sha256 ([0-9a-f]{64}) -->\n$/;

const UNKNOWN = 'Not stated. Fill this in before you share the model.';

function shape(dims: readonly Dim[]): string {
  return `[${dims.join(', ')}]`;
}

/** Limit on the words that a card lists. */
const NAMED = 200;

function wordsIn(vocabulary: readonly string[]): string {
  const words = vocabulary.slice(1);
  return `${words.length} words: ${words.slice(0, NAMED).join(', ')}${words.length > NAMED ? ', …' : ''}`;
}

/** One line of a table of inputs or outputs. */
function row(port: ManifestInput | ManifestOutput): string {
  const drawn = 'distribution' in port && port.distribution !== undefined ? `drawn ${port.distribution}` : '';
  const classes =
    'classes' in port && port.classes !== undefined ? `${port.classes.length} classes: ${port.classes.join(', ')}` : '';
  const words = 'vocabulary' in port && port.vocabulary !== undefined ? wordsIn(port.vocabulary) : '';
  const range = port.range === undefined ? '' : `from ${port.range[0]} to ${port.range[1]}`;
  const cells = [
    port.name,
    port.role,
    port.dtype,
    shape(port.shape),
    port.layout ?? '',
    [range, drawn, classes, words].filter((text) => text !== '').join('; '),
  ];
  return `| ${cells.map(markdownText).join(' | ')} |`;
}

const HEAD = '| name | role | type | shape | layout | values |\n|---|---|---|---|---|---|';

/** Concrete sizes of an input, for the example code. */
function example(dims: readonly Dim[], report: ExportReport): number[] {
  const verified = report.errors.at(-1)?.sizes ?? {};
  return dims.map((dim) =>
    typeof dim === 'number' ? dim : (verified[dim] ?? (dim === 'batch' ? 1 : 64 * (report.steps[dim] ?? 1))),
  );
}

const NUMPY: Readonly<Record<string, string>> = {
  float32: 'np.float32',
  float16: 'np.float16',
  int32: 'np.int32',
  int64: 'np.int64',
  uint8: 'np.uint8',
  int8: 'np.int8',
  bool: 'bool',
};

/** Loading code by runtime. Names are quoted as JSON, which is valid in all of these languages. */
function loading({ file, report, manifest }: CardSource): [string, string, string][] {
  const name = JSON.stringify(file);
  const feeds = report.inputs.map((input) => ({
    key: JSON.stringify(input.name),
    dtype: input.dtype,
    size: example(input.shape, report),
  }));
  const count = (size: readonly number[]): number => size.reduce((a, b) => a * b, 1);
  const ARRAY: Readonly<Record<string, string>> = {
    float32: 'Float32Array',
    int32: 'Int32Array',
    uint8: 'Uint8Array',
    bool: 'Uint8Array',
  };
  const array = (dtype: string, n: number): string => `new ${ARRAY[dtype] ?? 'Float32Array'}(${n})`;
  const word = report.inputs.find(({ role }) => role === 'text')?.vocabulary?.[1];
  const given = feeds.map(
    ({ key, dtype, size }) =>
      `${key}: { dtype: '${dtype}', shape: [${size.join(', ')}], data: ${array(dtype, count(size))} }`,
  );
  const forja =
    manifest.kind === 'latent'
      ? 'const images = await generator.sample({ count: 4, seed: ' +
        `1${word === undefined ? '' : `, text: ${JSON.stringify(word)}`} });`
      : manifest.kind === 'image-to-image' || manifest.kind === 'super-resolution'
        ? 'const images = await generator.translate(picture); // { width, height, channels, data }'
        : `const results = await generator.run({ ${given.join(', ')} });`;
  const tensors = feeds
    .map(
      ({ key, dtype, size }) =>
        `${key}: new ort.Tensor('${dtype}', ${array(dtype, count(size))}, [${size.join(', ')}])`,
    )
    .join(', ');
  const numpy = feeds
    .map(
      ({ key, dtype, size }) =>
        `${key}: np.zeros((${size.join(', ')}${size.length === 1 ? ',' : ''}), dtype=${NUMPY[dtype] ?? 'np.float32'})`,
    )
    .join(', ');
  return [
    [
      'Node, with Forja',
      'js',
      `import { load } from '@forja/node';\n\nconst generator = await load(${name});\n${forja}\nawait ` +
        'generator.dispose();',
    ],
    [
      'Browser, with Forja',
      'js',
      `import { load } from '@forja/web';\n\nconst generator = await load(new URL(${name}, ` +
        `location.href)); // WebGPU where it is, else WASM\n${forja}`,
    ],
    [
      'Browser or Node, with onnxruntime',
      'js',
      `import * as ort from 'onnxruntime-web/wasm'; // or 'onnxruntime-node'\n\nconst session = await ` +
        `ort.InferenceSession.create(${name});\nconst results = await session.run({ ${tensors} });`,
    ],
    [
      'Python, with onnxruntime',
      'python',
      `import numpy as np\nimport onnxruntime as ort\n\nsession = ` +
        `ort.InferenceSession(${name})\nresults = session.run(None, {${numpy}})`,
    ],
    [
      'Python, with OpenVINO',
      'python',
      `import numpy as np\nimport openvino as ov\n\nmodel = ov.compile_model(${name}, "CPU")\nresults = ` +
        `model({${numpy}})`,
    ],
  ];
}

/** A fence longer than any run of backticks in the code. */
function fenced(language: string, code: string): string {
  const fence = '`'.repeat(Math.max(3, ...Array.from(code.matchAll(/`+/g), ([run]) => run.length + 1)));
  return `${fence}${language}\n${code}\n${fence}`;
}

/** The card's text. It ends with a digest of itself, which {@link isUntouched} checks. */
export async function modelCard(source: CardSource): Promise<string> {
  const { file, report, manifest } = source;
  const worst = report.errors.reduce((max, { relative }) => Math.max(max, relative), 0);
  const metrics = Object.entries(manifest.metrics ?? {}).map(
    ([name, value]) =>
      `- ${markdownText(name)}: ${markdownText(typeof value === 'string' ? value : JSON.stringify(value))}`,
  );
  const steps = Object.entries(report.steps).map(([dim, by]) => `\`${dim}\` must be a multiple of ${by}`);
  const dims =
    report.dynamicDims.length === 0
      ? 'All sizes are fixed.'
      : 'Sizes that you choose: ' +
        report.dynamicDims.map((dim) => `\`${dim}\``).join(', ') +
        (steps.length === 0 ? '.' : `; ${steps.join(', ')}.`);
  const least = Math.min(...report.errors.map(({ psnr = 0 }) => psnr)).toFixed(1);
  const decibels = report.psnr === undefined ? '' : `; the least was ${least} dB`;
  const stored =
    report.weights === undefined
      ? ''
      : `Weights: ${storedText(report.weights)}. What follows is of the file before that.\n\n`;
  const fidelity =
    report.verified === 'passed'
      ? `Compared with TensorFlow.js at ${report.errors.length} combinations of output, seed and size: ` +
        `relative error at most ${worst.toExponential(1)} (${criterion(report)}${decibels}).`
      : 'Not compared with the original.';
  const external = Object.entries(report.external).map(
    ([name, bytes]) =>
      `, with ${(bytes / 1e6).toFixed(2)} MB of weights in \`${markdownText(name)}\`, ` +
      `which must stay in the same folder`,
  );
  const text = [
    `# ${markdownText(file)}`,
    `An ONNX model (opset ${report.opset}, ${report.parameters.toLocaleString('en')} parameters, ` +
      `${(report.bytes / 1e6).toFixed(2)} MB${external.join('')}), exported from TensorFlow.js by Forja.`,
    `## Inputs\n\n${HEAD}\n${report.inputs.map(row).join('\n')}`,
    `## Outputs\n\n${HEAD}\n${report.outputs.map(row).join('\n')}\n\n${dims}`,
    `## Training data\n\n${manifest.trainedOn === undefined ? UNKNOWN : markdownText(manifest.trainedOn)}`,
    `## Metrics\n\n${metrics.length === 0 ? 'Not stated.' : metrics.join('\n')}`,
    `## Licence\n\n${manifest.license === undefined ? UNKNOWN : markdownText(manifest.license)}`,
    `## Fidelity to the original\n\n${stored}${fidelity}`,
    `## Loading it\n\n${loading(source)
      .map(([title, language, code]) => `### ${title}\n\n${fenced(language, code)}`)
      .join('\n\n')}`,
  ].join('\n\n');
  return `${text}\n\n<!-- written by forja, sha256 ${await digest(`${text}\n`)} -->\n`;
}

async function digest(text: string): Promise<string> {
  return hex(await sha256(new TextEncoder().encode(text)));
}

/** Whether a text is an unedited card of the ONNX file `file`, which may be replaced. */
export async function isUntouched(text: string, file: string): Promise<boolean> {
  const found = MARK.exec(text);
  return (
    found !== null &&
    text.startsWith(`# ${markdownText(file)}\n`) &&
    found[1] === (await digest(text.slice(0, found.index)))
  );
}
