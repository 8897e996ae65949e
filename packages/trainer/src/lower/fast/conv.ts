// Entries for convolutions in the `fast` target's table of kernels: each uses the algorithm chosen by shape, or else
// the portable lowering.
import type { BoundCall, KernelLowering, KernelRow, KernelTable, LowerContext, Logical } from '../contract.js';
import { activate } from '../kernels/fused-activation.js';
import { convKernels } from '../kernels/conv.js';
import { fusedKernels } from '../kernels/fused.js';
import { input, optionalInput, output } from '../kernels/spatial.js';
import { choose } from './choose.js';
import { HWNC, otherwise, type ConvAlgorithm, type Convolution } from './contract.js';
import { describe } from './describe.js';
import { filterValue, setFilter } from './filters.js';

interface Sides {
  large: Logical;
  small: Logical;
  filter: Logical;
}

type Row = (conv: Convolution, algorithm: ConvAlgorithm, sides: Sides, call: BoundCall, ctx: LowerContext) => void;

/** An entry that falls back to the portable lowering. */
function row(
  sidesOf: (call: BoundCall, ctx: LowerContext) => Sides,
  lower: Row,
  portable: KernelRow | undefined,
): KernelLowering {
  return (call, ctx) => {
    const sides = sidesOf(call, ctx);
    const { large, small, filter } = sides;
    const conv = describe(call.attrs, { large: large.shape, small: small.shape, filter: filter.shape });
    const algorithm = choose(conv);
    if (conv !== undefined && algorithm !== undefined) lower(conv, algorithm, sides, call, ctx);
    else otherwise(portable)(call, ctx);
  };
}

const forwardSides = (call: BoundCall, ctx: LowerContext): Sides => ({
  large: input(call, 'x', ctx),
  small: output(call, ctx),
  filter: input(call, 'filter', ctx),
});

const forward: Row = (conv, algorithm, { large, small, filter }, call, ctx) => {
  const value = algorithm.forward(conv, large, filterValue(conv, filter, ctx), ctx);
  const bias = optionalInput(call, 'bias');
  const biased = bias === undefined ? value : ctx.op('Add', [value, ctx.broadcast(bias, 4, HWNC)]);
  ctx.set(
    small,
    activate(biased, call, ctx, (weights) => ctx.broadcast(weights, 4, HWNC)),
    HWNC,
  );
};

/** The `fast` target's entries for convolutions. */
export const fastConvKernels: KernelTable = {
  Conv2D: row(forwardSides, forward, convKernels.Conv2D),
  FusedConv2D: row(forwardSides, forward, fusedKernels.FusedConv2D),
  Conv2DBackpropInput: row(
    (call, ctx) => ({ large: output(call, ctx), small: input(call, 'dy', ctx), filter: input(call, 'filter', ctx) }),
    (conv, algorithm, { large, small, filter }, _call, ctx) =>
      ctx.set(large, algorithm.inputGradient(conv, small, filterValue(conv, filter, ctx), ctx), algorithm.large),
    convKernels.Conv2DBackpropInput,
  ),
  Conv2DBackpropFilter: row(
    (call, ctx) => ({ large: input(call, 'x', ctx), small: input(call, 'dy', ctx), filter: output(call, ctx) }),
    (conv, algorithm, { large, small, filter }, _call, ctx) =>
      setFilter(conv, filter, algorithm.filterGradient(conv, large, small, ctx), ctx),
    convKernels.Conv2DBackpropFilter,
  ),
};
