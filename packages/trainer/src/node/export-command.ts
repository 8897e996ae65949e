// forja export: a tfjs model in a folder or at an address becomes a verified ONNX file.
import { basename, dirname, join, resolve as resolvePath } from 'node:path';
import { UsageError, readManifest, type CliCommand, type CliIo } from '@forja/core';
import { WEIGHT_STORAGES } from '@forja/core/onnx';
import { fileTarget } from '@forja/node/cli';
import { checkOptions } from '../export/options.js';
import type { ExportProgress } from '../export/progress.js';
import { renderReport, reportFormat, reportText } from '../export/report-text.js';
import type { ExportOptions } from '../export/contract.js';
import { exportOnnx } from './export.js';
import { writeFilesSafely, writeFileSafely } from './files.js';
import { BOUNDS_OPTION, RANGE_OPTION, inputSpecs, statedBounds, statedRanges, withRanges } from './input-options.js';
import { importUserModule, isAddress, loadTfjsModel } from './load-model.js';
import { writeCard } from './write-card.js';

interface Args {
  model?: string;
  out?: string;
  input?: string[];
  range?: string[];
  bounds?: string[];
  import?: string[];
  opset?: number;
  layout?: 'nhwc' | 'nchw';
  precision?: 'fp32' | 'fp16';
  weights?: NonNullable<ExportOptions['weights']>;
  psnr?: number;
  externalData?: string;
  image?: 'float' | 'uint8-nchw' | 'uint8-nhwc';
  tolerance?: number;
  verify?: boolean;
  perNode?: boolean;
  report?: string;
  license?: string;
  trainedOn?: string;
  card?: boolean;
}

/** Location of the model: an address unchanged, a path relative to the working folder. */
export function modelSource(cwd: string, model: string): string {
  return isAddress(model) ? model : resolvePath(cwd, model);
}

const STAGES: Readonly<Record<ExportProgress['stage'], string>> = {
  trace: 'tracing',
  rewrite: 'rewriting',
  lower: 'lowering',
  seal: 'writing',
  verify: 'verifying',
};

/** Progress of an export in one bar; the comparisons, which take longest, are its second half. */
function showProgress(io: CliIo, title: string): { update: (event: ExportProgress) => void; stop: () => void } {
  const bar = io.progress(100, title);
  const start: Readonly<Record<ExportProgress['stage'], number>> = {
    trace: 0,
    rewrite: 30,
    lower: 40,
    seal: 45,
    verify: 50,
  };
  return {
    update: ({ stage, done, total }) => {
      const part =
        stage === 'trace'
          ? Math.min(29, 3 * done)
          : stage === 'verify' && total !== undefined
            ? (50 * done) / total
            : 0;
      const counted =
        stage === 'trace'
          ? ` (${done + 1})`
          : stage === 'verify' && total !== undefined
            ? ` (${done + 1} of ${total})`
            : '';
      bar.update(start[stage] + part, `${STAGES[stage]}${counted}`);
    },
    stop: () => bar.stop(),
  };
}

/** `auto`, `always`, `never`, or a number of bytes. The file is named after the model. */
function externalOption(when: string, out: string): NonNullable<ExportOptions['externalData']> {
  const location = `${basename(out)}.data`;
  const above =
    { auto: undefined, always: 0, never: Infinity }[when] ?? (/^\d+$/.test(when) ? Number(when) : undefined);
  if (above === undefined && when !== 'auto')
    throw new UsageError(`export --external-data: expected auto, always, never or a number of bytes, got '${when}'`);
  return { location, ...(above === undefined ? {} : { above }) };
}

/** The command. */
export const exportCommand: CliCommand = {
  name: 'export',
  summary: 'write a TensorFlow.js model as a verified ONNX file',
  arguments: [
    { name: 'model', description: 'a model.json, the folder it is in, or its http(s) address', required: true },
  ],
  options: [
    { flags: '-o, --out <file>', description: 'ONNX file to write; default model.onnx', type: 'path' },
    {
      flags: '--input <name:dims>',
      description: 'an input by name and sizes; a size that is a name is dynamic (z:batch,64); once for each input',
      type: 'list',
    },
    RANGE_OPTION,
    BOUNDS_OPTION,
    { flags: '--import <module>', description: 'a module that registers custom layers', type: 'list' },
    { flags: '--opset <n>', description: '17 to 22; default 21', type: 'integer', range: [17, 22] },
    {
      flags: '--layout <order>',
      description: 'layout of pictures in the file; default nhwc, as in tfjs',
      choices: ['nhwc', 'nchw'],
    },
    {
      flags: '--precision <type>',
      description: 'precision of the weights: fp32 (default), or fp16, which must reach 45 dB against tfjs',
      choices: ['fp32', 'fp16'],
    },
    {
      flags: '--weights <type>',
      description:
        'storage type of large weights, which are converted to float32 for computing; default float32, or as small ' +
        'as in a quantised model',
      choices: ['float32', ...WEIGHT_STORAGES],
    },
    {
      flags: '--psnr <dB>',
      description: 'lowest PSNR in dB: default 45 for fp16, 35 for weights stored in 8 bits',
      type: 'number',
    },
    {
      flags: '--external-data <when>',
      description: 'weights in <out>.data: auto (default, above 1 GiB), always, never, or above this many bytes',
    },
    {
      flags: '--image <type>',
      description: 'type and layout of output pictures; default float',
      choices: ['float', 'uint8-nchw', 'uint8-nhwc'],
    },
    { flags: '--tolerance <e>', description: 'largest relative difference from tfjs; default 1e-4', type: 'number' },
    { flags: '--no-verify', description: 'do not compare the file with tfjs' },
    { flags: '--per-node', description: 'also compare every call of the model by itself' },
    { flags: '--report <file>', description: 'keep the report: a .json, .md or .html file', type: 'path' },
    { flags: '--license <text>', description: 'licence of the model, for its manifest and card' },
    { flags: '--trained-on <text>', description: 'training data of the model, for its manifest and card' },
    { flags: '--no-card', description: 'do not write MODEL_CARD.md' },
  ],
  examples: [
    'forja export tfjs/model.json -o generator.onnx --input z:batch,64 --layout nchw',
    'forja export tfjs --import ./layers.mjs --report report.html',
    'forja export https://example.org/model.json --input image:1,height,width,3 --range image:0,255',
  ],
  async run(raw, io) {
    const args = raw as Args; // Args matches the options above
    if (args.model === undefined) throw new UsageError('export: expected a model.json or a folder, got nothing');
    const out = await fileTarget('export --out', io.cwd, args.out ?? 'model.onnx');
    const kept =
      args.report === undefined
        ? undefined
        : {
            format: reportFormat('export --report', args.report),
            path: await fileTarget('export --report', io.cwd, args.report),
          };
    const specs = inputSpecs('export', args.input);
    const ranges = statedRanges('export', args.range);
    const bounds = statedBounds('export', args.bounds);
    const externalData = externalOption(args.externalData ?? 'auto', out);
    const signal = io.signal as AbortSignal; // the bin created it with an AbortController
    const metadata = {
      ...(args.license === undefined ? {} : { license: args.license }),
      ...(args.trainedOn === undefined ? {} : { trainedOn: args.trainedOn }),
    };
    const options: ExportOptions = {
      bounds,
      ...(args.opset === undefined ? {} : { opset: args.opset }),
      ...(args.layout === undefined ? {} : { layout: { inputs: args.layout, outputs: args.layout } }),
      ...(args.precision === undefined ? {} : { precision: args.precision }),
      ...(args.weights === undefined ? {} : { weights: args.weights }),
      externalData,
      ...(args.image === undefined ? {} : { imageOutput: args.image }),
      metadata,
      verify:
        args.verify === false
          ? false
          : {
              ...(args.tolerance === undefined ? {} : { tolerance: args.tolerance }),
              ...(args.psnr === undefined ? {} : { psnr: args.psnr }),
              ...(args.perNode === true ? { perNode: true } : {}),
            },
      signal,
    };
    checkOptions(options); // before the model is read
    for (const name of args.import ?? []) await importUserModule(name, io.cwd);
    const model = await loadTfjsModel(modelSource(io.cwd, args.model), { signal });
    try {
      const inputs = withRanges('export', specs, ranges, model);
      const progress = showProgress(io, 'export');
      const {
        model: bytes,
        external,
        report,
      } = await exportOnnx(model, {
        ...options,
        ...(inputs === undefined ? {} : { inputs }),
        onProgress: progress.update,
      }).finally(progress.stop);
      const files = [...(external ?? [])].map(
        ([location, content]) => [join(dirname(out), location), content] as const,
      );
      await writeFilesSafely([...files, [out, bytes]]);
      if (kept !== undefined) await writeFileSafely(kept.path, renderReport(report, kept.format));
      const card =
        args.card === false ? undefined : await writeCard(out, { report, manifest: readManifest(bytes) ?? {} });
      if (card === undefined && args.card !== false)
        io.warn(
          'export: no model card was written, because the existing one was edited; use --no-card to skip it without ' +
            'this warning',
        );
      for (const [path] of files) io.print(path);
      io.print(out);
      if (card !== undefined) io.print(card);
      io.print(reportText(report));
      return {
        file: out,
        ...(files.length === 0 ? {} : { external: files.map(([path]) => path) }),
        ...(card === undefined ? {} : { card }),
        report,
      };
    } finally {
      model.dispose();
    }
  },
};
