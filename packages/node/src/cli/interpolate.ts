// forja interpolate: writes a walk between two seeds as an animation.
import { resolve } from 'node:path';
import { UsageError, type CliCommand } from '@forja/core';
import { pictureTarget } from './files.js';
import { loadOptions, type LoadArgs } from './load-args.js';
import { labelOf, seedOf, truncationOf } from './parse.js';
import { LOAD_OPTIONS, LOWERING_OPTION, onDevice, writePictures } from './pictures.js';

interface Args extends LoadArgs {
  model: string;
  out: string;
  from: string;
  to: string;
  steps: number;
  mode?: 'slerp' | 'lerp';
  loop?: boolean;
  label?: string;
  text?: string;
  truncation?: string;
  delay?: number;
}

/** The command. */
export const interpolate: CliCommand = {
  name: 'interpolate',
  summary: 'walk from one seed to another',
  arguments: [{ name: 'model', description: 'ONNX file of a generator', required: true }],
  options: [
    {
      flags: '-o, --out <path>',
      description: 'a .gif, .apng, .png (grid), or a folder for one PNG each',
      type: 'path',
      default: 'walk.gif',
    },
    { flags: '--from <seed>', description: 'first seed', default: '0' },
    { flags: '--to <seed>', description: 'where it leads', default: '1' },
    { flags: '--steps <n>', description: 'pictures', type: 'integer', default: 60 },
    {
      flags: '--mode <mode>',
      description: 'spherical (the default for normal latents) or linear',
      choices: ['slerp', 'lerp'],
    },
    { flags: '--loop', description: 'return to the start, for a seamless loop' },
    { flags: '--label <class>', description: 'number or name of a class, for models that have them' },
    { flags: '--text <words>', description: 'what the pictures show, for models that take a text' },
    { flags: '--truncation <t>', description: 'truncate both ends: ±t, or psi:0.7' },
    { flags: '--delay <ms>', description: 'milliseconds of a frame in .gif and .apng; default 50', type: 'integer' },
    ...LOAD_OPTIONS,
    LOWERING_OPTION,
  ],
  examples: [
    'forja interpolate generator.onnx --from 1 --to 2 --loop',
    'forja interpolate generator.onnx -o walk.apng --from 3 --to 9 --steps 120 --delay 40',
  ],
  async run(raw, io) {
    const args = raw as unknown as Args; // the options above
    const { steps, mode, loop, label, text, delay } = args;
    const [from, to] = [seedOf('interpolate --from', args.from), seedOf('interpolate --to', args.to)];
    const truncation =
      args.truncation === undefined ? undefined : truncationOf('interpolate --truncation', args.truncation);
    const { path, format } = await pictureTarget('interpolate --out', io.cwd, args.out);
    if (delay !== undefined && format !== 'gif' && format !== 'apng')
      throw new UsageError(`interpolate --delay: expected a .gif or .apng to write, got '${args.out}'`);
    const { load } = await import('../index.js');
    const generator = await load(resolve(io.cwd, args.model), loadOptions(args, io));
    try {
      const batch = await generator.interpolate({
        from,
        to,
        steps,
        signal: io.signal,
        ...(mode === undefined ? {} : { mode }),
        ...(loop === undefined ? {} : { loop }),
        ...(truncation === undefined ? {} : { truncation }),
        ...(label === undefined ? {} : { label: labelOf(label) }),
        ...(text === undefined ? {} : { text }),
      });
      const files = await writePictures(batch, path, format, {
        ...(delay === undefined ? {} : { animation: { delayMs: delay } }),
        io,
      });
      io.print(
        `${steps} pictures of ${batch.width} × ${batch.height}, seed ${from} to ${to}${loop ? ' and back' : ''}, in ${format === 'folder' ? path : files[0]} (on ${onDevice(generator.device)})`,
      );
      return {
        files,
        count: batch.count,
        width: batch.width,
        height: batch.height,
        channels: batch.channels,
        from: String(from),
        to: String(to),
        device: generator.device,
      };
    } finally {
      await generator.dispose();
    }
  },
};
