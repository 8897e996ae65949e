// forja video: writes a walk as a silent video. GIF and APNG need no other program; WebM and MP4 need the user's
// ffmpeg.
import { UsageError, type CliCommand } from '@forja/core';
import { checkFfmpeg, writeVideo, type VideoFormat } from './ffmpeg.js';
import { pictureTarget } from './files.js';
import { enlarged, LOAD_OPTIONS, LOWERING_OPTION, onDevice, SCALE_OPTION, writePictures } from './pictures.js';
import { walk, WALK_OPTIONS, type WalkArgs } from './walk-args.js';

interface Args extends WalkArgs {
  out: string;
  seconds: number;
  fps: number;
  scale?: number;
  ffmpeg: string;
}

/** Formats, by extension; a folder gets one PNG per frame. */
const FORMATS = ['gif', 'apng', 'webm', 'mp4'] as const;

const isVideo = (format: string): format is VideoFormat => format === 'webm' || format === 'mp4';

/** The command. */
export const video: CliCommand = {
  name: 'video',
  summary: 'a walk as a video: .gif, .apng, .webm, .mp4, or frames in a folder',
  arguments: [{ name: 'model', description: 'ONNX file of a generator', required: true }],
  options: [
    {
      flags: '-o, --out <path>',
      description: 'a .gif, .apng, .webm or .mp4 (both by ffmpeg), or a folder for one PNG each',
      type: 'path',
      default: 'walk.apng',
    },
    { flags: '--seconds <n>', description: 'length', type: 'number', default: 8 },
    { flags: '--fps <n>', description: 'pictures per second, 1 to 100', type: 'number', default: 25, range: [1, 100] },
    ...WALK_OPTIONS,
    SCALE_OPTION,
    { flags: '--ffmpeg <path>', description: 'the ffmpeg that writes .webm and .mp4', default: 'ffmpeg' },
    ...LOAD_OPTIONS,
    LOWERING_OPTION,
  ],
  examples: [
    'forja video generator.onnx --seeds 0-9 --loop',
    'forja video generator.onnx -o walk.mp4 --seeds 0-9 --loop --seconds 20 --fps 30 --scale 8',
    'forja video generator.onnx -o frames/ --seeds 3,14,15 --seconds 4',
  ],
  async run(raw, io) {
    const args = raw as unknown as Args; // `Args` has the options above
    const { seconds, fps, ffmpeg, scale = 1 } = args;
    const steps = Math.round(seconds * fps);
    if (!(steps >= 2 && steps <= 100_000))
      throw new UsageError(`video --seconds: expected 2 to 100,000 pictures, got ${seconds} s at ${fps} per second`, {
        code: 'input.range',
      });
    const { path, format } = await pictureTarget('video --out', io.cwd, args.out, FORMATS);
    if (isVideo(format)) await checkFfmpeg('video --out', ffmpeg);
    const { batch, seeds, device } = await walk('video', args, steps, io);
    const frames = enlarged('video --scale', batch, scale);
    let files = [path];
    if (isVideo(format)) await writeVideo(frames, path, { ffmpeg, format, fps, signal: io.signal as AbortSignal });
    else files = await writePictures(frames, path, format, { animation: { delayMs: 1000 / fps }, io });
    io.print(
      `${steps} pictures of ${frames.width} × ${frames.height}, ${(steps / fps).toFixed(1)} s, through ` +
        `${seeds.length} seeds${args.loop ? ' and back' : ''}, in ${path} (on ${onDevice(device)})`,
    );
    return {
      files,
      count: steps,
      width: frames.width,
      height: frames.height,
      fps,
      seeds: seeds.map(String),
      device,
    };
  },
};
