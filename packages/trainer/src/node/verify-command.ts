// forja verify: compares an ONNX file with the tfjs model that it was made from. Exit code 1 if they differ.
import { readFile } from 'node:fs/promises';
import { resolve as resolvePath } from 'node:path';
import { ForjaError, ModelFormatError, UsageError, checkModelBytes, externalFiles, type CliCommand } from '@forja/core';
import { readExternal } from '@forja/node/cli';
import { checkVerifyOptions } from '../export/options.js';
import { modelSource } from './export-command.js';
import { verifyOnnx } from './export.js';
import { RANGE_OPTION, inputSpecs, statedRanges, withRanges } from './input-options.js';
import { importUserModule, loadTfjsModel } from './load-model.js';

interface Args {
  model?: string;
  against?: string;
  input?: string[];
  range?: string[];
  import?: string[];
  seeds?: number;
  tolerance?: number;
}

/** The command. */
export const verifyCommand: CliCommand = {
  name: 'verify',
  summary: 'compare an ONNX file with a TensorFlow.js model',
  arguments: [{ name: 'model', description: 'an ONNX file', required: true }],
  options: [
    {
      flags: '--against <model.json>',
      description: 'the tfjs model: a model.json, the folder it is in, or its address',
    },
    {
      flags: '--input <name:dims>',
      description: 'an input of the tfjs model by name and sizes (z:batch,64)',
      type: 'list',
    },
    RANGE_OPTION,
    { flags: '--import <module>', description: 'a module that registers custom layers', type: 'list' },
    {
      flags: '--seeds <n>',
      description: 'number of random inputs to compare at each size; default 2',
      type: 'integer',
      range: [1, 10_000],
    },
    {
      flags: '--tolerance <e>',
      description: 'largest relative difference; default 1e-4, or 45 dB for a file in half precision',
      type: 'number',
    },
  ],
  examples: ['forja verify generator.onnx --against tfjs/model.json'],
  async run(raw, io) {
    const args = raw as Args; // Args matches the options above
    if (args.model === undefined) throw new UsageError('verify: expected an ONNX file, got nothing');
    if (args.against === undefined)
      throw new UsageError('verify: expected --against <model.json>, got nothing to compare with');
    const specs = inputSpecs('verify', args.input);
    const ranges = statedRanges('verify', args.range);
    const options = {
      ...(args.seeds === undefined ? {} : { seeds: args.seeds }),
      ...(args.tolerance === undefined ? {} : { tolerance: args.tolerance }),
    };
    checkVerifyOptions(options); // before anything is read
    const path = resolvePath(io.cwd, args.model);
    const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'EISDIR' || cause.code === 'ENOTDIR')
        throw new ModelFormatError(
          'model.notFound',
          `verify: expected an ONNX file, got ${cause.code === 'EISDIR' ? 'a folder' : 'nothing'} at ${path}`,
          { cause },
        );
      throw new ForjaError('io', `verify: cannot read ${path}: ${cause.message}`, { cause });
    });
    checkModelBytes(bytes, args.model);
    const external = await readExternal(path, externalFiles(bytes), io.signal);
    for (const name of args.import ?? []) await importUserModule(name, io.cwd);
    const model = await loadTfjsModel(modelSource(io.cwd, args.against), { signal: io.signal as AbortSignal });
    try {
      const inputs = withRanges('verify', specs, ranges, model);
      const result = await verifyOnnx(bytes, model, {
        ...(inputs === undefined ? {} : { inputs }),
        external,
        ...options,
      });
      const worst = result.errors.reduce((max, { relative }) => Math.max(max, relative), 0);
      io.print(
        'equal within ' +
          `${result.psnr === undefined ? String(result.tolerance) : `${result.psnr} dB (half precision)`}: ` +
          `relative error at most ${worst.toExponential(1)} over ${result.errors.length} comparisons (tfjs on ` +
          `${result.reference.tfjs}, ONNX on ${result.reference.onnx})`,
      );
      return { equal: true, relative: worst, ...result };
    } finally {
      model.dispose();
    }
  },
};
