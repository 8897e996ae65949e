// Predicts the orders in which constants and state will be read, before lowering: filters in the order of their
// convolution, and values that are updated together in the same order.
import { traitsOf } from '../kernels/traits.js';
import { callInputs, sizeText, type KernelCall, type Program, type ValueId } from '../program/program.js';
import { inputOf } from '../program/graph.js';
import type { Perm } from './contract.js';
import { OIHW } from './kernels/spatial.js';

/** (h, w, C, multiplier) as (C, multiplier, h, w). */
const CMHW: Perm = [2, 3, 0, 1];

/** The filter that a call reads or makes, and its wanted order. */
export type FilterRule = (program: Program, call: KernelCall) => { filter: ValueId; order: Perm } | undefined;

/** The rule of target `portable`: the order depends on the kernel that reads the filter. */
const portableRule: FilterRule = (_program, call) => {
  const { convolution } = traitsOf(call.kernel);
  const filter = convolution?.axes === 2 ? inputOf(call, convolution.filter) : undefined;
  return filter === undefined ? undefined : { filter, order: convolution?.depthwise === true ? CMHW : OIHW };
};

/**
 * Preferred order by value, for values that element-wise calls connect to a filter. Orders in `given` are fixed already
 * and come first, then `rule`, then the portable rule.
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
  // State and its next value share an order.
  const inputs = new Map(program.inputs.map((input) => [input.name, input.value]));
  for (const { value, state } of program.outputs) {
    const input = state === undefined ? undefined : inputs.get(state);
    const order = result.get(value);
    if (input !== undefined && order !== undefined && !result.has(input)) result.set(input, order);
  }
  return result;
}
