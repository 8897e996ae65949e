// forja project: finds the latent whose picture is nearest to a given one.
import { dirname, join, resolve } from 'node:path';
import { fromImages, ImageBatch, project, toBatch, type CliCommand } from '@forja/core';
import { pictureTarget } from './files.js';
import { loadOptions, type LoadArgs } from './load-args.js';
import { enlarged, LOAD_OPTIONS, onDevice, SCALE_OPTION, writePictures } from './pictures.js';
import { readPicture } from './read-picture.js';
import { onWhite } from '../files/on-white.js';
import { writeAside } from '../files/write-aside.js';
import { labelOf, seedOf } from '../sample-values.js';

interface Args extends LoadArgs {
  picture: string;
  model: string;
  projector?: string;
  out: string;
  label?: string;
  text?: string;
  seed?: string;
  starts?: number;
  steps?: number;
  rate?: number;
  scale?: number;
}

/** The command. */
export const projectCommand: CliCommand = {
  name: 'project',
  summary: 'find the latent whose picture is nearest to a given one',
  arguments: [{ name: 'picture', description: "picture file of the generator's size", required: true }],
  options: [
    { flags: '-m, --model <file>', description: 'ONNX file of the generator', default: 'generator.onnx' },
    {
      flags: '--projector <file>',
      description:
        'ONNX file that forja train --export-projector writes; default: projector.onnx in the folder of the model',
    },
    {
      flags: '-o, --out <path>',
      description: 'a .png with the picture and the nearest one; the latent goes into a .json of the same name',
      type: 'path',
      default: 'projected.png',
    },
    {
      flags: '--label <class>',
      description: 'name of the class, or its number; default: initial latents of all classes',
    },
    { flags: '--text <words>', description: 'text of the picture, for models that take one' },
    { flags: '-s, --seed <n>', description: 'seed of the initial latents; default 0' },
    {
      flags: '--starts <n>',
      description: 'number of initial latents, optimised together; default 8',
      type: 'integer',
      range: [1, 4096],
    },
    { flags: '--steps <n>', description: 'steps of Adam; default 300', type: 'integer', range: [1, 1_000_000] },
    { flags: '--rate <n>', description: 'highest learning rate; default 0.1', type: 'number' },
    SCALE_OPTION,
    ...LOAD_OPTIONS,
  ],
  examples: [
    'forja project three.png -m runs/digits/generator.onnx --label 3',
    'forja project face.png -m runs/faces/generator.onnx -o face-projected.png --steps 500 --scale 4',
  ],
  async run(raw, io) {
    const args = raw as unknown as Args; // `Args` has the options above
    const { scale = 1 } = args;
    const seed = seedOf('project --seed', args.seed ?? '0');
    const { path } = await pictureTarget('project --out', io.cwd, args.out, ['png'], false);
    const given = await readPicture('project', args.picture, io.cwd);
    const model = resolve(io.cwd, args.model);
    const { load } = await import('../index.js');
    const [beside, options] = [join(dirname(model), 'projector.onnx'), loadOptions(args, io)];
    const projector = await load(args.projector === undefined ? beside : resolve(io.cwd, args.projector), options);
    try {
      const picture = onWhite(given, projector.manifest);
      const generator = await load(model, options);
      try {
        const { starts, steps, rate, label, text } = args;
        const bar = io.progress(steps ?? 300, 'Projecting');
        const found = await project(projector, picture, {
          seed,
          signal: io.signal,
          onProgress: ({ done, loss }) => bar.update(done, `loss ${loss.toPrecision(3)}`),
          ...(starts === undefined ? {} : { starts }),
          ...(steps === undefined ? {} : { steps }),
          ...(rate === undefined ? {} : { rate }),
          ...(label === undefined ? {} : { label: labelOf('project --label', label) }),
          ...(text === undefined ? {} : { text }),
        }).finally(() => bar.stop());
        const made = await generator.sample({
          latents: found.latent,
          seed,
          signal: io.signal,
          ...(found.label === undefined ? {} : { label: found.label }),
          ...(text === undefined ? {} : { text }),
        });
        const { width, height, channels } = made;
        const own = toBatch(fromImages([picture], { layout: 'nhwc', channels, dtype: 'uint8' }), { layout: 'nhwc' });
        const pixels = new Uint8ClampedArray(2 * made.data.length);
        pixels.set(own.data);
        pixels.set(made.data, made.data.length);
        const both = new ImageBatch(2, width, height, channels, pixels);
        const json = `${path.replace(/\.png$/i, '')}.json`;
        const { latent, loss, label: asClass } = found;
        const names = projector.manifest.inputs.find(({ role }) => role === 'label')?.classes;
        const files = await writePictures(enlarged('project --scale', both, scale), path, 'png', { columns: 2, io });
        const summary = { seed: String(seed), ...(asClass === undefined ? {} : { label: asClass }), loss };
        await writeAside(json, `${JSON.stringify({ ...summary, latent: [...latent] }, null, 2)}\n`);
        io.print(
          `mean squared difference ${loss.toPrecision(3)}, from ${(found.losses[0] ?? NaN).toPrecision(3)}, ` +
            `${asClass === undefined ? '' : `as class ${names?.[asClass] ?? asClass}, `}in ${path} and ${json} ` +
            `(on ${onDevice(projector.device)})`,
        );
        return { files: [...files, json], ...summary, first: found.losses[0], device: projector.device };
      } finally {
        await generator.dispose();
      }
    } finally {
      await projector.dispose();
    }
  },
};
