// Zeros put around a picture before a convolution become the convolution's own padding, as of Keras's ZeroPadding2D: a
// copy of the picture less. onnxruntime joins them too, but not across a change of layout.
import { filtersPictures } from '../kernels/traits.js';
import type { Program } from '../program/program.js';
import { inputOf, producers, Rewriter, useCounts } from '../program/graph.js';

/** `program` with such pads joined to the only convolution that reads them. */
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

/** Paddings of a picture's height and width alone, by numbers that are not negative. */
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
