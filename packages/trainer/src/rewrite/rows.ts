// Replaces unstack → same ops per row → stack with one batched op: a dynamic axis has no fixed number of rows and
// cannot be unrolled. tf.linalg.bandPart works this way. Runs on traces with concrete sizes; if rows are treated
// differently, the program is left as it is.
import { callInputs, type KernelCall, type Program, type ProgramDType, type ValueId } from '../program/program.js';
import { traitsOf } from '../kernels/traits.js';
import { attributeKey } from '../program/attribute-key.js';
import { eliminateCommonSubexpressions } from './common.js';
import { eliminateDeadCode } from './dead.js';
import { dtypeOf, inputOf, outputOf, shapeOf } from '../program/graph.js';

/** Values that the same calls compute, one for each row. */
interface Lane {
  ids: (ValueId | undefined)[];
  /** The calls that make them. */
  calls: (KernelCall | undefined)[];
}

/** The lane that a value belongs to, and its row in it. */
type Place = { lane: string; row: number };

/** Batches per-row computation, if all rows are treated alike. The result has new value ids. */
function joinRows(program: Program): Program {
  if (!program.calls.some(isUnstacked)) return program;
  const plain = eliminateDeadCode(eliminateCommonSubexpressions(program));
  const [lanes, places] = lanesOf(plain);
  return lanes === undefined ? program : (joined(plain, lanes, places) ?? program);
}

/** Prepares a trace for alignment: removes dead code, batches per-row computation. */
export function alignable(program: Program): Program {
  return joinRows(eliminateDeadCode(program));
}

function isUnstacked(call: KernelCall): boolean {
  return call.kernel === 'Unpack' && (call.attrs['axis'] ?? 0) === 0;
}

/** The lane whose rows the call stacks again, all of them and in order. */
function stacked(
  call: KernelCall,
  places: ReadonlyMap<ValueId, Place>,
  lanes: ReadonlyMap<string, Lane>,
): Lane | undefined {
  if (!(call.kernel === 'Pack' || call.kernel === 'Concat') || (call.attrs['axis'] ?? 0) !== 0) return undefined;
  const ids = callInputs(call);
  const lane = lanes.get(places.get(ids[0] ?? -1)?.lane ?? '');
  return lane !== undefined && lane.ids.length === ids.length && ids.every((id, i) => lane.ids[i] === id)
    ? lane
    : undefined;
}

/** The lanes of a program, or undefined if rows are treated differently or a single row is read. */
function lanesOf(program: Program): [Map<string, Lane> | undefined, Map<ValueId, Place>] {
  const [lanes, places, counts] = [new Map<string, Lane>(), new Map<ValueId, Place>(), new Map<string, number>()];
  for (const call of program.calls) {
    if (isUnstacked(call)) {
      const lane = `rows ${String(outputOf(call))}`;
      lanes.set(lane, { ids: [...call.outputs], calls: call.outputs.map(() => call) });
      call.outputs.forEach((id, row) => places.set(id, { lane, row }));
      continue;
    }
    const from = callInputs(call).flatMap((id) => places.get(id) ?? []);
    const [first] = from;
    if (first === undefined || stacked(call, places, lanes) !== undefined) continue;
    const rows = lanes.get(first.lane)?.ids.length ?? 0;
    if (
      from.some(({ row, lane }) => row !== first.row || lanes.get(lane)?.ids.length !== rows) ||
      call.outputs.length !== 1
    )
      return [undefined, places];
    const inputs = Object.entries(call.inputs)
      .map(
        ([name, ids]) =>
          `${name}=${[ids]
            .flat()
            .map((id) => places.get(id)?.lane ?? id)
            .join()}`,
      )
      .join(';');
    const key = `${call.kernel}(${inputs})${attributeKey(call.attrs)}`;
    const count = counts.get(`${key} ${first.row}`) ?? 0;
    counts.set(`${key} ${first.row}`, count + 1);
    const lane = `${key} ${count}`;
    const known = lanes.get(lane) ?? {
      ids: new Array<undefined>(rows).fill(undefined),
      calls: new Array<undefined>(rows).fill(undefined),
    };
    lanes.set(lane, known);
    [known.ids[first.row], known.calls[first.row]] = [outputOf(call), call];
    places.set(outputOf(call), { lane, row: first.row });
  }
  const whole = [...lanes.values()].every(({ ids }) => ids.every((id) => id !== undefined));
  return [whole && !program.outputs.some(({ value }) => places.has(value)) ? lanes : undefined, places];
}

/** The program with each lane computed by one batched call, or undefined if some kernel has no rule for it. */
function joined(
  program: Program,
  lanes: ReadonlyMap<string, Lane>,
  places: ReadonlyMap<ValueId, Place>,
): Program | undefined {
  const out: Program = { values: [], inputs: [], constants: new Map(), calls: [], outputs: [] };
  const at = new Map<ValueId, ValueId>();
  const wholes = new Map<string, ValueId>();
  const value = (dtype: ProgramDType, shape: readonly number[]): ValueId =>
    out.values.push({ dtype, shape: [...shape] }) - 1;
  const copy = (id: ValueId): ValueId => {
    const { dtype, shape } = program.values[id] ?? { dtype: 'float32', shape: [] };
    const made = value(dtype, shape.map(Number));
    at.set(id, made);
    return made;
  };
  const read = (id: ValueId): ValueId => at.get(id) ?? -1;
  for (const input of program.inputs) out.inputs.push({ ...input, value: copy(input.value) });
  for (const [id, data] of program.constants) out.constants.set(copy(id), data);
  const emit = (
    like: KernelCall,
    kernel: string,
    inputs: KernelCall['inputs'],
    attrs: KernelCall['attrs'],
    shape: readonly number[],
    dtype = dtypeOf(program, outputOf(like)),
  ): ValueId => {
    const made = value(dtype, shape);
    out.calls.push({ ...like, kernel, inputs, attrs, outputs: [made] });
    return made;
  };
  const sizes = (id: ValueId): number[] => shapeOf(out, id).map(Number);
  const reshaped = (like: KernelCall, id: ValueId, shape: readonly number[]): ValueId =>
    sizes(id).join() === shape.join()
      ? id
      : emit(like, 'Reshape', { x: id }, { shape: [...shape] }, shape, dtypeOf(out, id));
  for (const call of program.calls) {
    const end = stacked(call, places, lanes);
    const own = places.get(outputOf(call));
    if (isUnstacked(call)) wholes.set(own?.lane ?? '', read(inputOf(call, 'value') ?? -1));
    else if (end !== undefined)
      at.set(
        outputOf(call),
        reshaped(
          call,
          wholes.get(places.get(callInputs(call)[0] ?? -1)?.lane ?? '') ?? -1,
          shapeOf(program, outputOf(call)).map(Number),
        ),
      );
    else if (own === undefined) {
      const inputs = Object.fromEntries(
        Object.entries(call.inputs).map(([name, ids]) => [name, Array.isArray(ids) ? ids.map(read) : read(ids)]),
      );
      out.calls.push({ ...call, inputs, outputs: call.outputs.map(copy) });
    } else if (own.row === 0) {
      const made = atOnce(
        call,
        lanes.get(own.lane)?.ids.length ?? 1,
        (id) => wholes.get(places.get(id)?.lane ?? ''),
        { read, emit, reshaped, sizes, dtype: (id) => dtypeOf(out, id) },
        shapeOf(program, outputOf(call)).map(Number),
      );
      if (made === undefined) return undefined;
      wholes.set(own.lane, made);
    }
  }
  for (const output of program.outputs) out.outputs.push({ ...output, value: read(output.value) });
  return out;
}

/** Helpers that {@link joined} passes to {@link atOnce}. */
interface Writing {
  read: (id: ValueId) => ValueId;
  emit: (
    like: KernelCall,
    kernel: string,
    inputs: KernelCall['inputs'],
    attrs: KernelCall['attrs'],
    shape: readonly number[],
    dtype?: ProgramDType,
  ) => ValueId;
  reshaped: (like: KernelCall, id: ValueId, shape: readonly number[]) => ValueId;
  sizes: (id: ValueId) => number[];
  dtype: (id: ValueId) => ProgramDType;
}

/**
 * Emits one call for all rows; `shape` is the shape of one row's result. Returns the call's value, or undefined if
 * there is no rule for its kernel.
 */
function atOnce(
  call: KernelCall,
  rows: number,
  whole: (id: ValueId) => ValueId | undefined,
  on: Writing,
  shape: readonly number[],
): ValueId | undefined {
  const { kernel, attrs } = call;
  const result = [rows, ...shape];
  const given = (name: string): ValueId => whole(inputOf(call, name) ?? -1) ?? on.read(inputOf(call, name) ?? -1);
  const isRow = (name: string): boolean => whole(inputOf(call, name) ?? -1) !== undefined;
  /** The input, reshaped to the rank of the result: a leading axis of rows, then 1s, then the axes of one row. */
  const aligned = (name: string): ValueId =>
    isRow(name)
      ? on.reshaped(call, given(name), [
          rows,
          ...new Array<number>(result.length - on.sizes(given(name)).length).fill(1),
          ...on.sizes(given(name)).slice(1),
        ])
      : given(name);
  /** The input with a leading axis of rows; an input that all rows share is repeated for each. */
  const repeated = (name: string): ValueId => {
    const value = given(name);
    if (isRow(name)) return value;
    const one = on.reshaped(call, value, [1, ...on.sizes(value)]);
    const reps = [rows, ...on.sizes(value).map(() => 1)];
    return on.emit(call, 'Tile', { x: one }, { reps }, [rows, ...on.sizes(value)], on.dtype(value));
  };
  /** Whether the input has the shape of the result in each row. */
  const isAlike = (name: string): boolean =>
    on
      .sizes(given(name))
      .slice(isRow(name) ? 1 : 0)
      .join() === shape.join();
  const { elementwise = [], broadcasts, reshapes, permutes, along, product, batch } = traitsOf(kernel);
  const [only, ...more] = Object.keys(call.inputs);
  if (only !== undefined && elementwise.join() === only && inputOf(call, only) !== undefined)
    return on.emit(call, kernel, { [only]: given(only) }, attrs, result);
  if (broadcasts === true) return on.emit(call, kernel, { a: aligned('a'), b: aligned('b') }, attrs, result);
  if (elementwise.length > 1 && elementwise.every(isAlike)) {
    const inputs = Object.fromEntries(elementwise.map((name) => [name, repeated(name)]));
    return on.emit(call, kernel, inputs, attrs, result);
  }
  if (reshapes === true && only !== undefined) return on.reshaped(call, given(only), result);
  const perm = permutes === undefined ? undefined : attrs[permutes];
  if (permutes !== undefined && only !== undefined && Array.isArray(perm)) {
    const later = [0, ...perm.map((axis) => Number(axis) + 1)];
    return on.emit(call, kernel, { [only]: given(only) }, { [permutes]: later }, result);
  }
  if (along !== undefined && only !== undefined) {
    const rank = on.sizes(given(only)).length - 1;
    const moved = (axis: unknown): number => (Number(axis) < 0 ? Number(axis) + rank : Number(axis)) + 1;
    const axes: unknown = attrs[along] ?? Array.from({ length: rank }, (_, i) => i);
    const later = Array.isArray(axes) ? axes.map(moved) : moved(axes);
    return on.emit(call, kernel, { [only]: given(only) }, { ...attrs, [along]: later }, result);
  }
  if (product === true && more.length === 1)
    return on.emit(call, kernel, { a: aligned('a'), b: aligned('b') }, attrs, result);
  if (batch === undefined || Object.keys(call.inputs).some((name) => name !== batch && isRow(name))) return undefined;
  const all = on.sizes(given(batch));
  const flat = (sizes: readonly number[]): number[] => [rows * (sizes[1] ?? 1), ...sizes.slice(2)];
  const inputs = Object.fromEntries(
    Object.keys(call.inputs).map((name) => [
      name,
      name === batch ? on.reshaped(call, given(name), flat(all)) : given(name),
    ]),
  );
  return on.reshaped(call, on.emit(call, kernel, inputs, attrs, flat(result)), result);
}
