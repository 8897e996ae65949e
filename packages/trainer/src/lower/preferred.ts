// The orders that constants and state will be wanted in, found before lowering: filters are read by convolutions, and
// what is updated together is stored alike.
import { traitsOf } from '../kernels/traits.js';
import { callInputs, sizeText, type KernelCall, type Program, type ValueId } from '../program/program.js';
import { inputOf } from '../program/graph.js';
import type { Perm } from './contract.js';
import { OIHW } from './kernels/spatial.js';

/** (h, w, C, multiplier) as (C, multiplier, h, w). */
const CMHW: Perm = [2, 3, 0, 1];

/** The filter a call reads or makes, and the order it is wanted in. */
export type FilterRule = (program: Program, call: KernelCall) => { filter: ValueId; order: Perm } | undefined;

/** Target `portable`: by the kernel that reads it. */
const portableRule: FilterRule = (_program, call) => {
  const { convolution } = traitsOf(call.kernel);
  const filter = convolution?.axes === 2 ? inputOf(call, convolution.filter) : undefined;
  return filter === undefined ? undefined : { filter, order: convolution?.depthwise === true ? CMHW : OIHW };
};

/**
 * Preferred order by value, for values that element-wise calls tie to a filter. `rule` goes before the portable one,
 * and `given` before both: the order that some values have already.
 */
export function preferredOrders(
  program: Program,
  rule: FilterRule = portableRule,
  given: ReadonlyMap<ValueId, Perm> = new Map(),
): Map<ValueId, Perm> {
  const parent = new Map<ValueId, ValueId>();
  const root = (id: ValueId): ValueId => {
    const up = parent.get(id);
    return up === undefined || up === id ? id : root(up);
  };
  const shape = (id: ValueId): string => (program.values[id]?.shape ?? []).map(sizeText).join();
  const isFilter = (id: ValueId): boolean => [4, 6].includes(program.values[id]?.shape.length ?? 0);
  for (const call of program.calls) if (traitsOf(call.kernel).elementwise !== undefined) tie(call);

  function tie(call: KernelCall): void {
    const [out] = call.outputs;
    if (out === undefined || !isFilter(out)) return;
    for (const id of callInputs(call)) if (isFilter(id) && shape(id) === shape(out)) parent.set(root(id), root(out));
  }

  const wanted = new Map<ValueId, Perm>();
  for (const [id, order] of given) if (isFilter(id) && !wanted.has(root(id))) wanted.set(root(id), order);
  for (const call of program.calls) {
    const { filter, order } = rule(program, call) ?? portableRule(program, call) ?? {};
    if (order !== undefined && filter !== undefined && isFilter(filter) && !wanted.has(root(filter)))
      wanted.set(root(filter), order);
  }
  const result = new Map<ValueId, Perm>();
  program.values.forEach((_, id) => {
    const order = wanted.get(root(id));
    if (order !== undefined) result.set(id, order);
  });
  // State is stored as its next value comes, and the other way round.
  const inputs = new Map(program.inputs.map((input) => [input.name, input.value]));
  for (const { value, state } of program.outputs) {
    const input = state === undefined ? undefined : inputs.get(state);
    const order = result.get(value);
    if (input !== undefined && order !== undefined && !result.has(input)) result.set(input, order);
  }
  return result;
}
