// forja translate: runs the user's pictures through an image-to-image or super-resolution model.
import { basename, extname, join, resolve } from 'node:path';
import { UsageError, type CliCommand } from '@forja/core';
import { pictureTarget } from './files.js';
import { loadOptions, type LoadArgs } from './load-args.js';
import { LOAD_OPTIONS, LOWERING_OPTION, onDevice } from './pictures.js';
import { readPicture } from './read-picture.js';
import { onWhite } from '../files/on-white.js';
import { writeAside } from '../files/write-aside.js';

interface Args extends LoadArgs {
  model: string;
  pictures?: string[];
  out: string;
  tile?: number;
  overlap?: number;
}

/** The command. */
export const translate: CliCommand = {
  name: 'translate',
  summary: 'turn pictures into others: image to image, super-resolution',
  arguments: [
    { name: 'model', description: 'ONNX file of pix2pix, cyclegan, srgan, or another such model', required: true },
    {
      name: 'pictures',
      description: 'picture files: PNG; JPEG, WebP and AVIF with the npm package sharp',
      required: true,
      variadic: true,
    },
  ],
  options: [
    {
      flags: '-o, --out <path>',
      description: 'a .png for one picture; a folder, where each keeps its name, for several',
      type: 'path',
      default: 'translated.png',
    },
    {
      flags: '--tile <px>',
      description: 'run in square tiles with this side, blended where they overlap; default: whole pictures',
      type: 'integer',
      range: [8, 65_536],
    },
    {
      flags: '--overlap <px>',
      description: 'least overlap of neighbouring tiles; default: an eighth of --tile',
      type: 'integer',
      range: [0, 32_768],
    },
    ...LOAD_OPTIONS,
    LOWERING_OPTION,
  ],
  examples: [
    'forja translate runs/map/generator.onnx map.png -o satellite.png',
    'forja translate runs/srgan/generator.onnx photos/*.jpg -o enlarged/ --tile 128 --overlap 16',
  ],
  async run(raw, io) {
    const args = raw as unknown as Args; // `Args` has the options above
    const { pictures = [], tile, overlap } = args;
    if (overlap !== undefined && tile === undefined)
      throw new UsageError('translate --overlap: expected --tile with it, got none');
    const { path, format } = await pictureTarget('translate --out', io.cwd, args.out, ['png']);
    const files = filesOf(pictures, path, format === 'folder', io.cwd);
    const { load } = await import('../index.js');
    const model = await load(resolve(io.cwd, args.model), loadOptions(args, io));
    const progress = io.progress(pictures.length, 'Translating');
    try {
      const made: { picture: string; file: string; width: number; height: number }[] = [];
      for (const [i, picture] of pictures.entries()) {
        const batch = await model.translate(onWhite(await readPicture('translate', picture, io.cwd), model.manifest), {
          signal: io.signal,
          ...(tile === undefined ? {} : { tile }),
          ...(overlap === undefined ? {} : { overlap }),
        });
        const file = files[i] as string; // `files` has one for each picture
        await writeAside(file, await batch.at(0).toPNG());
        made.push({ picture, file, width: batch.width, height: batch.height });
        progress.update(made.length);
      }
      progress.stop();
      for (const { picture, file, width, height } of made) io.print(`${picture} → ${file}, ${width} × ${height}`);
      io.print(`on ${onDevice(model.device)}`);
      return { pictures: made, device: model.device };
    } finally {
      progress.stop();
      await model.dispose();
    }
  },
};

/**
 * The file that each picture is written to. Throws UsageError if two files would be the same, or one is a given
 * picture.
 */
function filesOf(pictures: readonly string[], out: string, folder: boolean, cwd: string): string[] {
  if (!folder && pictures.length > 1)
    throw new UsageError(`translate --out: expected a folder for ${pictures.length} pictures, got the file ${out}`);
  const files = pictures.map((picture) => (folder ? join(out, `${basename(picture, extname(picture))}.png`) : out));
  const given = new Set(pictures.map((picture) => resolve(cwd, picture)));
  for (const [i, file] of files.entries()) {
    if (given.has(file))
      throw new UsageError(`translate --out: expected another place than that of the pictures, got ${file}`);
    if (files.indexOf(file) < i)
      throw new UsageError(
        `translate: expected pictures with different names, got ${pictures[files.indexOf(file)]} and ${pictures[i]}`,
      );
  }
  return files;
}
