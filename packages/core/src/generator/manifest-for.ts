// The manifest of a loaded model: the file's own, checked against the session, or a guess from names and shapes; the
// caller's fields override both.
import { ModelFormatError, UsageError } from '../errors.js';
import { listOf, optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import type { Dim, TensorSpec } from '../tensor.js';
import type { Manifest, ManifestInput, ManifestOutput } from '../manifest/manifest.js';

/**
 * The manifest `fromFile` (from the model, which is not trusted) or, if there is none, a guess; fields of `given` (from
 * the caller) override it. Inputs and outputs are merged by name, other fields are replaced. Throws `model.format` when
 * the file's manifest does not fit its own graph, `usage` when the caller's does not. A guessed manifest has an empty
 * SHA-256.
 */
export function manifestFor(
  given: Partial<Manifest> | undefined,
  fromFile: Manifest | undefined,
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
): Manifest {
  listOf('manifestFor.inputs', inputs);
  listOf('manifestFor.outputs', outputs);
  const base = fromFile ?? guess(inputs, outputs);
  if (fromFile)
    checkFit(
      fromFile,
      inputs,
      outputs,
      (message) => new ModelFormatError('model.format', `manifest${message}; export the model again`),
    );
  if (given === undefined) return base;
  optionsOf(
    'load.manifest',
    given,
    'bounds inputs integrity kind license metrics outputs precision producer steps strides trainedOn version weights',
  );
  const manifest: Manifest = {
    ...base,
    ...given,
    version: 1,
    inputs: merged('inputs', base.inputs, given.inputs),
    outputs: merged('outputs', base.outputs, given.outputs),
  };
  checkFit(manifest, inputs, outputs, (message) => new UsageError(`load.manifest${message}`));
  return manifest;
}

function merged<T extends ManifestInput | ManifestOutput>(
  where: string,
  base: readonly T[],
  given: readonly T[] | undefined,
): T[] {
  if (given !== undefined && !Array.isArray(given))
    throw new UsageError(`load.manifest.${where}: expected a list, got ${shown(given)}`);
  for (const one of given ?? []) {
    const { name } = optionsOf(`load.manifest.${where}`, one);
    if (!base.some((one) => one.name === name))
      throw new UsageError(
        `load.manifest.${where}: expected names among ${base.map((one) => one.name).join(', ')}, got ${shown(name)}`,
      );
  }
  return base.map((one) => ({ ...one, ...given?.find(({ name }) => name === one.name) }));
}

function checkFit(
  { kind, inputs, outputs }: Manifest,
  realInputs: readonly TensorSpec[],
  realOutputs: readonly TensorSpec[],
  fail: (message: string) => Error,
): void {
  const side = (
    where: string,
    said: readonly (ManifestInput | ManifestOutput)[],
    real: readonly TensorSpec[],
  ): void => {
    for (const { name, dtype, shape } of said) {
      const found = real.find((spec) => spec.name === name);
      if (!found)
        throw fail(`.${where}: expected names among ${real.map((spec) => spec.name).join(', ')}, got '${name}'`);
      if (found.dtype !== dtype)
        throw fail(`.${where}.${name}.dtype: expected the model's ${found.dtype}, got ${dtype}`);
      if (
        !found.unranked &&
        (shape.length !== found.shape.length || !shape.every((dim, i) => agrees(dim, found.shape[i])))
      )
        throw fail(
          `.${where}.${name}.shape: expected the model's [${found.shape.join(', ')}], got [${shape.join(', ')}]`,
        );
    }
  };
  side('inputs', inputs, realInputs);
  side('outputs', outputs, realOutputs);
  const forgotten = realInputs.find((spec) => !inputs.some(({ name }) => name === spec.name));
  if (forgotten) throw fail(`.inputs: expected every input of the model, got none for '${forgotten.name}'`);
  if (kind === 'function') return;
  const pictures = outputs.filter(({ role }) => role === 'image');
  const wanted = kind === 'latent' ? 'latent' : 'image';
  if (!inputs.some(({ role }) => role === wanted))
    throw fail(`.inputs: expected one with role '${wanted}' for kind '${kind}', got none`);
  if (!pictures.some(({ shape }) => shape.length === 4))
    throw fail(`.outputs: expected one with role 'image' and four dimensions for kind '${kind}', got none`);
}

/** Names of dims may differ between a file and what a runtime infers; numbers may not. */
function agrees(said: Dim, real: Dim | undefined): boolean {
  return typeof said === 'string' || typeof real === 'string' || said === real;
}

const LATENT = /^(z|w|latents?|noise|latent_?(vector|code)|input_noise)$/i;
const LABEL = /^(y|labels?|class(es)?|class_?(id|index|label)s?)$/i;

function guess(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): Manifest {
  const of = (kind: Manifest['kind'], ins: ManifestInput[], outs: ManifestOutput[]): Manifest => ({
    version: 1,
    kind,
    inputs: ins,
    outputs: outs,
    integrity: { sha256: '', bytes: 0 },
    producer: '',
  });
  const plainIn = inputs.map((spec): ManifestInput => ({ ...specOf(spec), role: 'tensor' }));
  const plainOut = outputs.map((spec): ManifestOutput => ({ ...specOf(spec), role: 'tensor' }));
  const [output] = outputs;
  const layout = output && layoutOf(output);
  if (!output || !layout) return of('function', plainIn, plainOut);
  const image = (range: [number, number]): ManifestOutput[] => [
    { ...specOf(output), role: 'image', layout, range: rangeOf(output, range) },
    ...plainOut.slice(1),
  ];

  const vectors = inputs.filter(isVector);
  const latent = vectors.find(({ name }) => LATENT.test(name ?? '')) ?? (vectors.length === 1 ? vectors[0] : undefined);
  const others = inputs.filter((spec) => spec !== latent);
  if (latent && others.every((spec) => LABEL.test(spec.name ?? '') && spec.shape.length <= 2)) {
    return of(
      'latent',
      inputs.map((spec): ManifestInput =>
        spec === latent
          ? { ...specOf(spec), role: 'latent', distribution: 'normal' }
          : { ...specOf(spec), role: 'label' },
      ),
      image([-1, 1]),
    );
  }
  const [input] = inputs;
  const from = input && inputs.length === 1 ? layoutOf(input) : undefined;
  if (!input || !from) return of('function', plainIn, plainOut);
  const grows = areaOf(output, layout) > areaOf(input, from);
  // The usual ranges: [-1, 1] (tanh) for translation, [0, 1] for super-resolution. Other ranges must be in the file's
  // manifest or the option `manifest`.
  const range: [number, number] = grows ? [0, 1] : [-1, 1];
  return of(
    grows ? 'super-resolution' : 'image-to-image',
    [{ ...specOf(input), role: 'image', layout: from, range: rangeOf(input, range) }],
    image(range),
  );
}

function specOf({ name = '', dtype = 'float32', shape }: TensorSpec): Pick<ManifestInput, 'name' | 'dtype' | 'shape'> {
  return { name, dtype, shape: [...shape] };
}

/** `[batch, n]`, or `[batch, n, 1, 1]` as in PyTorch's DCGANs. */
function isVector({ dtype, shape }: TensorSpec): boolean {
  const [, n, ...rest] = shape;
  return (
    (dtype === 'float32' || dtype === 'float16') &&
    typeof n === 'number' &&
    n > 1 &&
    (rest.length === 0 || (rest.length === 2 && rest.every((dim) => dim === 1)))
  );
}

/**
 * The layout of a tensor that may be a picture; undefined for others. If all sizes are dynamic, channels are assumed to
 * be first.
 */
function layoutOf({ dtype, shape }: TensorSpec): 'nchw' | 'nhwc' | undefined {
  const [, a, b, c] = shape;
  if (shape.length !== 4 || !(dtype === 'float32' || dtype === 'float16' || dtype === 'uint8')) return undefined;
  const channels = (dim: Dim | undefined): boolean => dim === 1 || dim === 3 || dim === 4;
  if (b === 1 && c === 1) return undefined;
  if (channels(a)) return 'nchw';
  if (channels(c)) return 'nhwc';
  return typeof a === 'string' && typeof b === 'string' && typeof c === 'string' ? 'nchw' : undefined;
}

function rangeOf({ dtype }: TensorSpec, range: [number, number]): [number, number] {
  return dtype === 'uint8' ? [0, 255] : range;
}

function areaOf({ shape }: TensorSpec, layout: 'nchw' | 'nhwc'): number {
  const [height, width] = layout === 'nchw' ? [shape[2], shape[3]] : [shape[1], shape[2]];
  return typeof height === 'number' && typeof width === 'number' ? height * width : NaN;
}
