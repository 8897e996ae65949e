// Turns zero padding before a convolution (such as Keras's ZeroPadding2D) into the convolution's own padding, which
// saves a copy of the picture. onnxruntime does this too, but not across a layout change.
import { filtersPictures } from '../kernels/traits.js';
import type { Program } from '../program/program.js';
import { inputOf, producers, Rewriter, useCounts } from '../program/graph.js';

/** Merges such a pad into its convolution, if nothing else reads the padded picture. */
export function joinPads(program: Program): Program {
  const [from, uses] = [producers(program), useCounts(program)];
  const rewriter = new Rewriter(program);
  return rewriter.run((call) => {
    const x = inputOf(call, 'x');
    const pad =
      x === undefined ||
      uses.get(x) !== 1 ||
      !filtersPictures(call.kernel) ||
      call.attrs['dataFormat'] === 'NCHW' ||
      call.attrs['pad'] !== 'valid'
        ? undefined
        : from.get(x);
    const inner = pad?.kernel === 'PadV2' ? inputOf(pad, 'x') : undefined;
    const amounts = pad === undefined ? undefined : bordersOf(pad.attrs['paddings']);
    if (pad === undefined || inner === undefined || amounts === undefined || (pad.attrs['constantValue'] ?? 0) !== 0)
      return rewriter.emit(call);
    rewriter.emit({ ...call, inputs: { ...call.inputs, x: inner }, attrs: { ...call.attrs, pad: amounts } });
  });
}

/** The paddings, if they are non-negative numbers and only pad height and width. */
function bordersOf(paddings: unknown): [number, number][] | undefined {
  if (!Array.isArray(paddings) || paddings.length !== 4) return undefined;
  const pairs = paddings.map((pair: unknown): [number, number] | undefined => {
    const [before, after]: unknown[] = Array.isArray(pair) ? pair : [];
    return typeof before === 'number' && typeof after === 'number' && before >= 0 && after >= 0
      ? [before, after]
      : undefined;
  });
  const known = pairs.filter((pair) => pair !== undefined);
  return known.length === 4 && [known[0], known[3]].every((pair) => pair?.[0] === 0 && pair[1] === 0)
    ? known
    : undefined;
}
