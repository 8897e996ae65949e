// `interpolate`: pictures along a path of latents, or of styles computed from them. Classes and texts cannot be
// interpolated, so if two stops differ in theirs, each picture in between is drawn for both and cross-faded.
import { ModelFormatError, UsageError } from '../errors.js';
import type { ImageBatch } from '../image/batch.js';
import { latents } from '../latent/latents.js';
import { checkSteps, latentWalk, placeOf } from '../latent/walks.js';
import type { Manifest, ManifestInput } from '../manifest/manifest.js';
import { optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import { BYTES_OF, rowsOf, sizeOf, type NamedTensors, type Tensor } from '../tensor.js';
import { conditioned } from './conditions.js';
import type { Draw, LatentModel } from './latent-model.js';
import type { InterpolateOptions, Synthesis } from './options.js';
import type { PictureTools } from './translate.js';

/** Functions that the generator passes in. */
export interface WalkTools extends PictureTools {
  draw(draw: Draw, count: number): Promise<ImageBatch>;
  run(feeds: NamedTensors): Promise<NamedTensors>;
}

/** Seed, class and text of a stop. */
interface Stop {
  seed: number | bigint;
  label?: number | string;
  text?: string;
}

/** Pictures per run of the model that makes pictures from styles. */
const STYLES_RUN = 16;

/** Implements `Generator.interpolate`, with its errors. */
export async function walked(
  model: LatentModel,
  manifest: Manifest,
  options: InterpolateOptions,
  tools: WalkTools,
): Promise<ImageBatch> {
  const {
    steps,
    loop = false,
    truncation,
    mix,
    noise,
    signal,
    synthesis,
  } = optionsOf(
    'interpolate',
    options,
    'from label loop mix mode noise seeds signal steps synthesis text to truncation',
  );
  if (synthesis !== undefined) checkSynthesis(synthesis);
  const has = (role: ManifestInput['role']): boolean => manifest.inputs.some((input) => input.role === role);
  const stops = stopsOf(options, has('label'));
  checkSteps('interpolate', steps, stops.length);
  const { size, distribution } = model;
  const ofStyles = typeof truncation === 'object' && has('psi'); // truncates styles, not latents
  const ends = stops.map(({ seed }) =>
    latents(seed, 0, 1, size, { distribution, ...(truncation === undefined || ofStyles ? {} : { truncation }) }),
  );
  const shared = {
    ...(ofStyles ? { truncation } : {}),
    ...(mix === undefined ? {} : { mix }),
    ...(noise === undefined ? {} : { noise }),
    ...(signal === undefined ? {} : { signal }),
    seed: stops[0]?.seed ?? 0,
    noiseOf: 0,
    start: 0,
  };
  const under = (rows: readonly Stop[], z: Float32Array): Draw => ({ ...shared, ...conditionsOf(rows), latents: z });
  if (synthesis !== undefined) {
    const { mode = 'lerp' } = options;
    const own = conditioned(manifest, under(stops, joined(ends)));
    const feeds = { ...model.feeds(own.draw, 0, stops.length), ...own.feeds(0, stops.length) };
    return synthesised(
      synthesis,
      feeds,
      await tools.run(feeds),
      { steps, mode, loop, ...(signal ? { signal } : {}) },
      tools,
    );
  }
  const { mode = distribution === 'uniform' ? 'lerp' : 'slerp' } = options;
  const path = latentWalk(ends, steps, { mode, loop });
  const places = Array.from({ length: steps }, (_, k) => placeOf(k, steps, stops.length, loop));
  const at = (i: number): Stop => stops[i % stops.length] as Stop; // a loop leads back to the first
  const nearer = places.map(({ leg, part }) => at(part === 1 ? leg + 1 : leg));
  const batch = await tools.draw(under(nearer, path), steps);
  const crossed = places.flatMap(({ leg, part }, frame) =>
    part > 0 && part < 1 && !alike(at(leg), at(leg + 1)) ? [{ frame, part, stop: at(leg + 1) }] : [],
  );
  if (crossed.length === 0) return batch;
  const again = joined(crossed.map(({ frame }) => path.subarray(frame * size, (frame + 1) * size)));
  const other = await tools.draw(
    under(
      crossed.map(({ stop }) => stop),
      again,
    ),
    crossed.length,
  );
  crossed.forEach(({ frame, part }, i) => {
    const [to, from] = [batch.at(frame).data, other.at(i).data];
    // all pictures have the same size
    for (let p = 0; p < to.length; p++) to[p] = (1 - part) * (to[p] as number) + part * (from[p] as number);
  });
  return batch;
}

/** Seeds, classes and texts of the stops; a single one applies to all stops. */
function stopsOf(options: InterpolateOptions, takesLabel: boolean): Stop[] {
  const { from, to, seeds, label, text } = options;
  if ((seeds === undefined) === (from === undefined && to === undefined) || (from === undefined) !== (to === undefined))
    throw new UsageError('interpolate.seeds: expected seeds, or from and to, got neither or parts of both');
  if (seeds !== undefined && !Array.isArray(seeds))
    throw new UsageError(`interpolate.seeds: expected a list of seeds, got ${shown(seeds)}`, { code: 'input.range' });
  // Default class 0: otherwise `sample` would change the class at each step.
  const [labels, texts] = [listOf(label ?? (takesLabel ? 0 : undefined)), listOf(text)];
  const own = [...(seeds ?? [from, to])] as (number | bigint)[]; // without seeds, from and to are given
  const count = Math.max(own.length, labels.length, texts.length);
  for (const [name, list, least] of [
    ['seeds', own, 1],
    ['label', labels, 0],
    ['text', texts, 0],
  ] as const)
    if (list.length !== count && list.length !== 1 && (list.length > 0 || least > 0))
      throw new UsageError(`interpolate.${name}: expected one, or one for each of ${count} stops, got ${list.length}`, {
        code: 'input.range',
      });
  if (count < 2)
    throw new UsageError('interpolate.seeds: expected two stops or more, of seeds, labels or texts, got one', {
      code: 'input.range',
    });
  const of = <T>(list: readonly T[], i: number): T | undefined => (list.length === 1 ? list[0] : list[i]);
  return Array.from({ length: count }, (_, i) => {
    const [ofClass, words] = [of(labels, i), of(texts, i)];
    return {
      seed: of(own, i) as number | bigint, // as many as stops, or one
      ...(ofClass === undefined ? {} : { label: ofClass }),
      ...(words === undefined ? {} : { text: words }),
    };
  });
}

const listOf = <T extends number | string>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];

const alike = (a: Stop, b: Stop): boolean => a.label === b.label && a.text === b.text;

/** The rows' classes and texts as options of a draw. */
function conditionsOf(rows: readonly Stop[]): Pick<Draw, 'label' | 'labels' | 'text'> {
  const [first] = rows;
  return {
    ...(first?.label === undefined
      ? {}
      : { label: first.label, labels: rows.map(({ label }) => label as number | string) }), // all rows have one
    ...(first?.text === undefined ? {} : { text: rows.map(({ text }) => text as string) }), // likewise
  };
}

/** Throws UsageError if `given` is not a loaded model. */
function checkSynthesis(given: Synthesis): void {
  const { manifest, run } = Object(given) as Partial<Synthesis>; // untyped callers may pass anything
  const lists = [manifest?.inputs, manifest?.outputs];
  if (typeof run !== 'function' || !lists.every((list) => Array.isArray(list)))
    throw new UsageError(`interpolate.synthesis: expected a loaded model, got ${shown(given)}`);
}

/** Pictures along the path through the styles of the stops, all with the same noise. */
async function synthesised(
  synthesis: Synthesis,
  fed: NamedTensors,
  made: NamedTensors,
  { signal, ...walk }: Pick<InterpolateOptions, 'mode' | 'loop' | 'signal'> & { steps: number },
  tools: PictureTools,
): Promise<ImageBatch> {
  const { inputs, outputs } = synthesis.manifest;
  const input = inputs.find(({ name, role }) => role === 'tensor' && made[name] !== undefined);
  const output = outputs.find(({ role }) => role === 'image');
  const noises = inputs.filter(({ role }) => role === 'noise');
  const stranger = inputs.find((one) => one !== input && fed[one.name] === undefined);
  if (!input || !output || stranger)
    throw new UsageError(
      'interpolate.synthesis: expected a model that maps an output of the generator ' +
        `(${Object.keys(made).join(', ')}) to pictures, got inputs ` +
        `${inputs.map(({ name }) => name).join(', ')}; use the synthesis.onnx of the same run`,
      { code: 'input.shape' },
    );
  const styles = made[input.name] as Tensor; // `input` was found by this name
  if (styles.dtype !== 'float32' || !(styles.data instanceof Float32Array))
    throw new ModelFormatError('model.format', `interpolate: expected float32 styles, got ${styles.dtype}`);
  const shape = styles.shape.slice(1);
  const size = sizeOf(shape);
  const { data } = styles;
  const stops = Array.from({ length: styles.shape[0] ?? 0 }, (_, i) => data.slice(i * size, (i + 1) * size));
  const { steps, ...how } = walk;
  const path = latentWalk(stops, steps, how);
  const [batch] = input.shape;
  const most = typeof batch === 'number' ? batch : STYLES_RUN;
  const pictures = tools.buffer(steps, output);
  for (let start = 0; start < steps; start += most) {
    const count = Math.min(most, steps - start);
    const rows = typeof batch === 'number' ? batch : count; // if the batch is fixed, the last rows are unused
    const part = new Float32Array(rows * size);
    part.set(path.subarray(start * size, (start + count) * size));
    const feeds = {
      [input.name]: { dtype: 'float32', shape: [rows, ...shape], data: part } satisfies Tensor,
      ...Object.fromEntries(noises.map(({ name }) => [name, repeated(fed[name] as Tensor, rows)])), // checked above
    };
    const result = (await synthesis.run(feeds, signal === undefined ? {} : { signal }))[output.name];
    if (!result)
      throw new ModelFormatError('model.format', `interpolate: expected an output '${output.name}', got none`);
    await pictures.take(result, 0, start, count);
  }
  return pictures.batch();
}

/** The first row, `count` times. */
function repeated(tensor: Tensor, count: number): Tensor {
  const row = rowsOf(tensor, 0, 1);
  const bytes = new Uint8Array(count * sizeOf(row.shape) * BYTES_OF[row.dtype]);
  const one = new Uint8Array(row.data.buffer, row.data.byteOffset, row.data.byteLength);
  for (let i = 0; i < count; i++) bytes.set(one, i * one.length);
  const Kind = row.data.constructor as new (buffer: ArrayBuffer) => Tensor['data']; // of the same array type
  return { ...row, shape: [count, ...row.shape.slice(1)], data: new Kind(bytes.buffer) } as Tensor;
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const size = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * size);
  rows.forEach((row, i) => all.set(row, i * size));
  return all;
}
