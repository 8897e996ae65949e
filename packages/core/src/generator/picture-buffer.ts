// Gathers the pictures of one request from the outputs of its runs, as bytes; the floats of a run are freed as soon as
// they are converted.
import { ForjaError, ModelFormatError, UsageError } from '../errors.js';
import { ImageBatch } from '../image/batch.js';
import { fillPixels, sizesOf } from '../image/convert.js';
import { platform } from '../platform.js';
import { rowsOf, sizeOf } from '../tensor.js';
import type { Tensor } from '../tensor.js';
import type { ManifestOutput } from '../manifest/manifest.js';

/** Maximum bytes of pictures per request, 1 GiB: an array of this size is possible in every browser. */
const LIMIT = 2 ** 30;

/** Values converted per slice, some milliseconds of work, so that the thread's other tasks run in between. */
const AT_ONCE = 2 ** 19;

/** Room for the pictures of one request. */
export class PictureBuffer {
  readonly #count: number;
  readonly #spec: ManifestOutput;
  #size: { width: number; height: number; channels: number } | undefined;
  #data = new Uint8ClampedArray(0);

  /** Throws `input.range` if the pictures would not fit, as far as their size is known. */
  constructor(count: number, spec: ManifestOutput) {
    this.#count = count;
    this.#spec = spec;
    const row = spec.shape.slice(1);
    checkRoom(count, row.every((dim) => typeof dim === 'number') ? sizeOf(row as number[]) : 1); // all are numbers
  }

  /**
   * Copies `rows` pictures from index `at` of `output` to index `start` of this request; large amounts in several turns
   * of the event loop.
   */
  async take(output: Tensor, at: number, start: number, rows: number): Promise<void> {
    const part = picturesOf(output, at, rows);
    const encoding = encodingOf(this.#spec);
    const { width, height, channels } = sizesOf(part, encoding.layout);
    const size = width * height * channels;
    if (!this.#size) {
      checkRoom(this.#count, size);
      this.#size = { width, height, channels };
      this.#data = new Uint8ClampedArray(this.#count * size);
    }
    if (size !== this.#data.length / this.#count)
      throw new ModelFormatError(
        'model.format',
        `${this.#spec.name}: expected pictures of one size, got pictures of another size from a later run`,
      );
    const most = Math.max(1, Math.floor(AT_ONCE / size));
    for (let done = 0; done < rows; done += most) {
      if (done > 0) await new Promise<void>((resolve) => platform().setTimeout(resolve, 0));
      fillPixels(this.#data, (start + done) * size, rowsOf(part, done, Math.min(most, rows - done)), encoding);
    }
  }

  /** All pictures. */
  batch(): ImageBatch {
    if (!this.#size) throw new ForjaError('internal', 'pictures: expected a run, got none');
    const { width, height, channels } = this.#size;
    return new ImageBatch(this.#count, width, height, channels, this.#data);
  }
}

/** How an output encodes pictures; the defaults are NCHW in [−1, 1], or [0, 255] for bytes. */
export function encodingOf({
  dtype,
  layout = 'nchw',
  range = dtype === 'uint8' ? [0, 255] : [-1, 1],
}: Pick<ManifestOutput, 'dtype' | 'layout' | 'range'>): { layout: 'nchw' | 'nhwc'; range: [number, number] } {
  return { layout, range };
}

function picturesOf(output: Tensor, at: number, rows: number): Tensor {
  const [have = 0] = output.shape;
  if (at + rows > have)
    throw new ModelFormatError(
      'model.format',
      `image: expected a run to return ${at + rows} pictures, got ${have}; the model does not keep the batch dimension`,
    );
  return rowsOf(output, at, rows);
}

function checkRoom(count: number, size: number): void {
  if (count * size > LIMIT)
    throw new UsageError(
      `sample.count: expected at most ${Math.floor(LIMIT / size)} pictures of ${size} bytes, got ${count}; ` +
        'stream() gives them one by one',
      { code: 'input.range' },
    );
}
