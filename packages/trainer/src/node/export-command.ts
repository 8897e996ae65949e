// forja export: a tfjs model in a folder becomes a verified ONNX file.
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve as resolvePath } from 'node:path';
import { UsageError, type CliCommand, type TensorSpec } from '@forja/core';
import type { ExportOptions } from '../export/export.js';
import { reportText } from '../export/report.js';
import { exportOnnx } from './export.js';
import { writeFileSafely } from './files.js';
import { importUserModule, loadTfjsModel } from './load-model.js';

interface Args {
  model?: string;
  out?: string;
  input?: string[];
  import?: string[];
  opset?: number;
  layout?: 'nhwc' | 'nchw';
  precision?: 'fp32' | 'fp16';
  image?: 'float' | 'uint8-nchw' | 'uint8-nhwc';
  tolerance?: number;
  verify?: boolean;
  report?: string;
}

/** `z:batch,64` as a specification; more than one in the order of the model's inputs. */
export function inputSpecs(command: string, texts: readonly string[] | undefined): TensorSpec[] | undefined {
  return texts?.map((text) => {
    const cut = text.lastIndexOf(':');
    const [name, dims] = [text.slice(0, cut), text.slice(cut + 1)];
    if (cut < 1 || !/^\s*\w+\s*(,\s*\w+\s*)*$/.test(dims)) throw new UsageError(`${command} --input: expected name:dims such as z:batch,64, got '${text}'`);
    return { name, shape: dims.split(',').map((dim) => (/^\s*\d+\s*$/.test(dim) ? Number(dim) : dim.trim())) };
  });
}

/** The command. */
export const exportCommand: CliCommand = {
  name: 'export',
  summary: 'write a TensorFlow.js model as a verified ONNX file',
  arguments: [{ name: 'model', description: 'a model.json, or the folder it is in', required: true }],
  options: [
    { flags: '-o, --out <file>', description: 'ONNX file to write; default model.onnx' },
    { flags: '--input <name:dims>', description: 'an input by name and sizes; names of sizes are dynamic (z:batch,64); once for each input', type: 'list' },
    { flags: '--import <module>', description: 'a module that registers custom layers', type: 'list' },
    { flags: '--opset <n>', description: '17 to 22; default 21', type: 'integer' },
    { flags: '--layout <order>', description: 'of pictures in the file; default nhwc, as in tfjs', choices: ['nhwc', 'nchw'] },
    { flags: '--precision <type>', description: 'fp32', choices: ['fp32', 'fp16'] },
    { flags: '--image <type>', description: 'how pictures leave the file; default float', choices: ['float', 'uint8-nchw', 'uint8-nhwc'] },
    { flags: '--tolerance <e>', description: 'largest relative difference from tfjs; default 1e-4', type: 'number' },
    { flags: '--no-verify', description: 'do not compare the file with tfjs' },
    { flags: '--report <file>', description: 'write the report as JSON' },
  ],
  examples: ['forja export tfjs/model.json -o generator.onnx --input z:batch,64 --layout nchw', 'forja export tfjs --import ./layers.mjs --report report.json'],
  async run(raw, io) {
    const args = raw as Args; // the options above
    if (args.model === undefined) throw new UsageError('export: expected a model.json or a folder, got nothing');
    const out = resolvePath(io.cwd, args.out ?? 'model.onnx');
    if ((await stat(out).catch(() => undefined))?.isDirectory() === true) throw new UsageError(`export --out: expected a file, got the folder ${out}`);
    const inputs = inputSpecs('export', args.input);
    for (const name of args.import ?? []) await importUserModule(name, io.cwd);
    const model = await loadTfjsModel(resolvePath(io.cwd, args.model));
    const options: ExportOptions = {
      ...(inputs === undefined ? {} : { inputs }),
      ...(args.opset === undefined ? {} : { opset: args.opset }),
      ...(args.layout === undefined ? {} : { layout: { inputs: args.layout, outputs: args.layout } }),
      ...(args.precision === undefined ? {} : { precision: args.precision }),
      ...(args.image === undefined ? {} : { imageOutput: args.image }),
      verify: args.verify === false ? false : args.tolerance === undefined ? {} : { tolerance: args.tolerance },
    };
    try {
      const { model: bytes, report } = await exportOnnx(model, options);
      await mkdir(dirname(out), { recursive: true });
      await writeFileSafely(out, bytes);
      if (args.report !== undefined) await writeFileSafely(resolvePath(io.cwd, args.report), `${JSON.stringify(report, null, 2)}\n`);
      io.print(out);
      io.print(reportText(report));
      return { file: out, report };
    } finally {
      model.dispose();
    }
  },
};
