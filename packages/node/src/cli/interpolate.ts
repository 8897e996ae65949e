// forja interpolate: writes a walk through seeds, classes or texts as an animation.
import { UsageError, type CliCommand } from '@forja/core';
import { pictureTarget } from './files.js';
import {
  DELAY_OPTION,
  enlarged,
  LOAD_OPTIONS,
  LOWERING_OPTION,
  onDevice,
  SCALE_OPTION,
  writePictures,
} from './pictures.js';
import { walk, WALK_OPTIONS, type WalkArgs } from './walk-args.js';

interface Args extends WalkArgs {
  out: string;
  steps: number;
  delay?: number;
  scale?: number;
}

/** The command. */
export const interpolate: CliCommand = {
  name: 'interpolate',
  summary: 'a walk from one seed to another, or through several',
  arguments: [{ name: 'model', description: 'ONNX file of a generator', required: true }],
  options: [
    {
      flags: '-o, --out <path>',
      description: 'a .gif, .apng, .png (grid), or a folder for one PNG each',
      type: 'path',
      default: 'walk.gif',
    },
    { flags: '--steps <n>', description: 'pictures', type: 'integer', default: 60, range: [2, 100_000] },
    ...WALK_OPTIONS,
    DELAY_OPTION,
    SCALE_OPTION,
    ...LOAD_OPTIONS,
    LOWERING_OPTION,
  ],
  examples: [
    'forja interpolate generator.onnx --from 1 --to 2 --loop',
    'forja interpolate generator.onnx -o walk.apng --seeds 0-7 --steps 240 --delay 40 --loop',
    'forja interpolate generator.onnx --seeds 5 --label 3 --label 8 --label 0 --loop   # one latent, three classes',
    'forja interpolate runs/faces/generator.onnx --space w --seeds 1,4,9 --truncation psi:0.7',
  ],
  async run(raw, io) {
    const args = raw as unknown as Args; // `Args` has the options above
    const { steps, loop, delay, scale = 1 } = args;
    const { path, format } = await pictureTarget('interpolate --out', io.cwd, args.out);
    if (delay !== undefined && format !== 'gif' && format !== 'apng')
      throw new UsageError(`interpolate --delay: expected a .gif or .apng to write, got '${args.out}'`);
    const { batch, seeds, device } = await walk('interpolate', args, steps, io);
    const files = await writePictures(enlarged('interpolate --scale', batch, scale), path, format, {
      ...(delay === undefined ? {} : { animation: { delayMs: delay } }),
      io,
    });
    io.print(
      `${steps} pictures of ${batch.width} × ${batch.height}, seed ` +
        `${seeds.join(' to ')}${loop ? ' and back' : ''}, in ${format === 'folder' ? path : files[0]} (on ` +
        `${onDevice(device)})`,
    );
    return {
      files,
      count: batch.count,
      width: batch.width,
      height: batch.height,
      channels: batch.channels,
      from: String(seeds[0]),
      to: String(seeds.at(-1)),
      seeds: seeds.map(String),
      device,
    };
  },
};
