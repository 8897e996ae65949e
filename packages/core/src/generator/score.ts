// Scores of pictures by a discriminator: how real they are. Imported on first use.
import { abortError, ModelFormatError, UsageError } from '../errors.js';
import { fromImages, type ImageLike } from '../image/from-images.js';
import type { Manifest, ManifestInput } from '../manifest/manifest.js';
import { optionsOf } from '../realm.js';
import { sizeOf, type NamedTensors, type Tensor } from '../tensor.js';
import { labelRows } from './conditions.js';
import { rowsOf } from './latent-model.js';
import type { RunOptions } from '../runtime/session.js';
import type { ScoreOptions } from './options.js';
import { textTensor } from './texts.js';
import { channelsOf, checkImage, checkWhole, dtypeOf, fixedSize, padded, type PictureTools } from './translate.js';

/** Pictures per run. */
const AT_ONCE = 64;

/** See `Generator.score`. */
export async function score(
  { inputs, outputs }: Manifest,
  given: ImageLike | readonly ImageLike[],
  options: ScoreOptions,
  run: (feeds: NamedTensors, options: RunOptions) => Promise<NamedTensors>,
  { encodingOf }: Pick<PictureTools, 'encodingOf'>,
): Promise<number[]> {
  const where = 'score';
  const { signal } = optionsOf(where, options, 'label signal text');
  // isArray does not narrow readonly arrays
  const images = Array.isArray(given) ? (given as readonly ImageLike[]) : [given as ImageLike];
  for (const one of images) optionsOf('score.image', one);
  const [first] = images;
  const input = inputs.find(({ role }) => role === 'image');
  const output = outputs.find(({ role }) => role === 'score');
  const other = inputs.find((one) => one !== input && one.role !== 'label' && one.role !== 'text');
  if (!input || !output || other)
    throw new ModelFormatError(
      'model.notGenerator',
      'score: expected a model that maps pictures to a score, got inputs ' +
        `${inputs.map(({ name }) => name).join(', ')} and outputs ` +
        `${outputs.map(({ name }) => name).join(', ')}; forja train --export-discriminator writes one`,
    );
  if (!first) throw new UsageError('score: expected a picture or several, got none', { code: 'input.shape' });
  for (const image of images) checkImage(where, image, first);
  checkWhole(where, first, fixedSize(input));
  const conditions = inputs.flatMap((one) =>
    one === input ? [] : [[one.name, conditionOf(one, options, images.length)] as const],
  );
  refuseOthers(inputs, options);
  const [batch] = input.shape;
  const most = typeof batch === 'number' ? batch : AT_ONCE;
  const scores: number[] = [];
  for (let start = 0; start < images.length; start += most) {
    if (signal?.aborted) throw abortError(signal.reason);
    const some = images.slice(start, start + most);
    const encoding = { ...encodingOf(input), channels: channelsOf(where, input, first), dtype: dtypeOf(where, input) };
    const feeds = Object.fromEntries([
      [input.name, padded(fromImages(some, encoding), batch)],
      ...conditions.map(([name, of]) => [name, padded(of(start, some.length), batch)]),
    ]) as NamedTensors;
    const said = (await run(feeds, signal ? { signal } : {}))[output.name];
    const values = said?.data;
    if (
      !said ||
      !(values instanceof Float32Array) ||
      sizeOf(said.shape) < some.length ||
      said.shape[0] !== sizeOf(said.shape)
    )
      throw new ModelFormatError(
        'model.format',
        `score: expected one float32 per picture, got ${said ? `${said.dtype} [${said.shape.join(', ')}]` : 'none'}`,
      );
    scores.push(...values.subarray(0, some.length));
  }
  return scores;
}

/** Rows of the class or text that pictures are judged for. */
function conditionOf(
  input: ManifestInput,
  { label, text }: Pick<ScoreOptions, 'label' | 'text'>,
  count: number,
): (first: number, count: number) => Tensor {
  const values = input.role === 'label' ? label : text;
  const list = (Array.isArray(values) ? values : values === undefined ? [] : [values]) as (number | string)[];
  if (list.length !== 1 && list.length !== count)
    throw new UsageError(
      `score.${input.role}: expected one, or one for each of ${count} pictures, for a model that takes ` +
        `${input.role === 'label' ? `a class${input.classes ? ` (${input.classes.join(', ')})` : ''}` : 'a text'}, ` +
        `got ${list.length || 'none'}`,
      { code: 'input.range' },
    );
  const at = (i: number): number | string => list[list.length === 1 ? 0 : i] as number | string; // one per picture
  const of = <T>(first: number, rows: number, make: (all: (number | string)[]) => T): T =>
    make(Array.from({ length: rows }, (_, i) => at(first + i)));
  if (input.role === 'text') {
    textTensor(input, list, 'score.text'); // checks them all
    return (first, rows) => of(first, rows, (texts) => textTensor(input, texts, 'score.text'));
  }
  const row = rowsOf(input);
  labelRows(row, list, 'score.label');
  return (first, rows) => of(first, rows, (labels) => labelRows(row, labels, 'score.label'));
}

function refuseOthers(inputs: readonly ManifestInput[], given: Pick<ScoreOptions, 'label' | 'text'>): void {
  for (const role of ['label', 'text'] as const)
    if (given[role] !== undefined && !inputs.some((input) => input.role === role))
      throw new UsageError(`score.${role}: expected none, as the model takes none`);
}
