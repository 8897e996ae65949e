// Keeps pictures channels-first across reshapes between pictures and vectors: dense → reshape → convolution, and
// convolution → flatten → dense. The order of the features in between is free, so the adjacent constants are permuted
// once at compile time, and no Transpose is left at run time.
import { traitsOf } from '../kernels/traits.js';
import {
  callInputs,
  isStatic,
  type ConstantData,
  type KernelCall,
  type Program,
  type ProgramValue,
  type ValueId,
} from '../program/program.js';
import { inputOf, outputOf, producers, sameSize, shapeOf, useCounts } from '../program/graph.js';
import type { Perm } from './contract.js';
import { permuted } from './permute.js';

const NCHW: Perm = [0, 3, 1, 2];

/** A constant input of a call that must be permuted along an axis, counted from the back. */
interface Edit {
  call: KernelCall;
  input: string;
  axis: number;
}

/** Producers, readers and use counts of a program, and the searches that use them. */
class Chart {
  readonly from: Map<ValueId, KernelCall>;
  readonly uses: Map<ValueId, number>;
  readonly readers = new Map<ValueId, KernelCall[]>();

  constructor(
    readonly program: Program,
    readonly channelsFirst: ReadonlySet<ValueId>,
  ) {
    this.from = producers(program);
    this.uses = useCounts(program);
    for (const call of program.calls)
      for (const id of callInputs(call)) this.readers.set(id, [...(this.readers.get(id) ?? []), call]);
  }

  /** The inputs that a call reads as channels-first pictures, if it also makes one. */
  private pictures(call: KernelCall): readonly ValueId[] {
    const { pictures = [], convolution } = traitsOf(call.kernel);
    if (convolution?.filter === '' || call.attrs['dataFormat'] === 'NCHW') return [];
    return pictures.flatMap((name) => inputOf(call, name) ?? []);
  }

  private follows(call: KernelCall): boolean {
    return traitsOf(call.kernel).elementwise !== undefined || call.kernel === 'FusedBatchNorm';
  }

  /** Whether a picture will be read channels-first. */
  wants(id: ValueId): boolean {
    return (this.readers.get(id) ?? []).some((call) => {
      if (this.pictures(call).includes(id)) return true;
      return this.follows(call) && shapeOf(this.program, outputOf(call)).length === 4 && this.wants(outputOf(call));
    });
  }

  /** Whether a picture is made channels-first. */
  has(id: ValueId): boolean {
    if (this.channelsFirst.has(id)) return true;
    const call = this.from.get(id);
    if (call === undefined) return false;
    if (this.pictures(call).length > 0) return true;
    return this.follows(call) && callInputs(call).some((x) => shapeOf(this.program, x).length === 4 && this.has(x));
  }

  width(id: ValueId): number | undefined {
    const last = shapeOf(this.program, id).at(-1);
    return typeof last === 'number' ? last : undefined;
  }

  /**
   * The edit for a constant operand with features in its last axis: no edits if it is a single number for all features,
   * undefined if it is not such a constant.
   */
  private operand(call: KernelCall, input: string, width: number): Edit[] | undefined {
    const id = inputOf(call, input);
    if (id === undefined) return [];
    if (!this.program.constants.has(id)) return undefined;
    const size = this.width(id);
    return size === undefined || size === 1 ? [] : size === width ? [{ call, input, axis: -1 }] : undefined;
  }

  /** The input of a call with one input that keeps the order of the elements; undefined for other calls. */
  private alone(call: KernelCall): ValueId | undefined {
    const [name, more] = call.kernel === 'Reshape' ? ['x'] : (traitsOf(call.kernel).elementwise ?? []);
    return name === undefined || more !== undefined ? undefined : inputOf(call, name);
  }

  /** For a call of two operands, one of them constant: the name of the other operand, and the edits of the constant. */
  private operands(call: KernelCall, width: number): { other: string; edits: Edit[] } | undefined {
    const [first, second, more] = traitsOf(call.kernel).elementwise ?? [];
    if (first === undefined || second === undefined || more !== undefined) return undefined;
    for (const [name, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const edits = this.operand(call, name, width);
      const x = inputOf(call, other);
      if (edits !== undefined && x !== undefined && !this.program.constants.has(x)) return { other, edits };
    }
    return undefined;
  }

  /** Edits that permute the `width` features of `id`, walking back to the product that makes them. */
  up(id: ValueId, width: number): Edit[] | undefined {
    const call = this.from.get(id);
    if (call === undefined || this.uses.get(id) !== 1 || this.width(id) !== width) return undefined;
    if (traitsOf(call.kernel).product === true) {
      const weights = inputOf(call, 'b');
      if (weights === undefined || !this.program.constants.has(weights)) return undefined;
      const [bias, slopes] = [this.operand(call, 'bias', width), this.operand(call, 'preluActivationWeights', width)];
      if (bias === undefined || slopes === undefined) return undefined;
      return [{ call, input: 'b', axis: call.attrs['transposeB'] === true ? -2 : -1 }, ...bias, ...slopes];
    }
    const alone = this.alone(call);
    if (alone !== undefined) return this.up(alone, width);
    const pair = this.operands(call, width);
    const rest = pair === undefined ? undefined : this.up(inputOf(call, pair.other) ?? -1, width);
    return pair === undefined || rest === undefined ? undefined : [...pair.edits, ...rest];
  }

  /** Edits that permute the `width` features of `id`, walking forward to the product that reads them. */
  down(id: ValueId, width: number): Edit[] | undefined {
    const [call] = this.readers.get(id) ?? [];
    if (call === undefined || this.uses.get(id) !== 1 || this.width(id) !== width) return undefined;
    if (traitsOf(call.kernel).product === true) {
      const weights = inputOf(call, 'b');
      if (
        weights === undefined ||
        !this.program.constants.has(weights) ||
        inputOf(call, 'a') !== id ||
        call.attrs['transposeA'] === true
      )
        return undefined;
      return [{ call, input: 'b', axis: call.attrs['transposeB'] === true ? -1 : -2 }];
    }
    if (this.alone(call) !== undefined) return this.down(outputOf(call), width);
    const pair = this.operands(call, width);
    const rest = pair === undefined ? undefined : this.down(outputOf(call), width);
    return pair === undefined || rest === undefined ? undefined : [...pair.edits, ...rest];
  }
}

/** A reshape between a picture and a vector, with the edits that make its picture channels-first. */
interface Crossing {
  call: KernelCall;
  picture: ValueId;
  edits: Edit[];
}

function crossing(chart: Chart, call: KernelCall): Crossing | undefined {
  const [x, y] = [inputOf(call, 'x'), outputOf(call)];
  if (call.kernel !== 'Reshape' || x === undefined) return undefined;
  const [from, to] = [shapeOf(chart.program, x), shapeOf(chart.program, y)];
  const [picture, vector] = to.length === 4 && from.length === 2 ? [to, from] : [from, to];
  if (picture.length !== 4 || vector.length !== 2 || !sameSize(picture[0], vector[0])) return undefined;
  const [, h, w, c] = picture.map((size) => (isStatic(size) ? size : undefined));
  // With one channel or one pixel, both orders are the same.
  if (h === undefined || w === undefined || c === undefined || c === 1 || h * w === 1) return undefined;
  const splits = picture === to;
  if (splits ? !chart.wants(y) : !chart.has(x)) return undefined;
  const edits = splits ? chart.up(x, h * w * c) : chart.down(y, h * w * c);
  return edits === undefined ? undefined : { call, picture: splits ? y : x, edits };
}

/**
 * Rewrites reshapes between pictures and vectors so that their pictures are channels-first. The results of the program
 * do not change. `orders`: physical axis orders of the inputs, by name.
 */
export function absorbOrders(program: Program, orders: Readonly<Record<string, Perm>>): Program {
  const first = new Set(
    program.inputs.filter((input) => orders[input.name]?.join() === NCHW.join()).map((input) => input.value),
  );
  const chart = new Chart(program, first);
  const crossings = new Map(
    program.calls.flatMap((call) => {
      const found = crossing(chart, call);
      return found === undefined ? [] : [[call, found] as const];
    }),
  );
  if (crossings.size === 0) return program;

  const values: ProgramValue[] = [...program.values];
  const constants = new Map(program.constants);
  const swapped = new Map<KernelCall, Record<string, ValueId>>();
  for (const { picture, edits } of crossings.values()) {
    const sizes = shapeOf(program, picture).slice(1).map(Number);
    for (const { call, input, axis } of edits) {
      const inputs = swapped.get(call) ?? {};
      const id = inputs[input] ?? inputOf(call, input) ?? -1;
      const shape = shapeOf(program, id).length > 0 ? shapeOf(program, id) : (values[id]?.shape ?? []);
      const data = constants.get(id);
      if (data === undefined) continue;
      const made = values.push({ dtype: values[id]?.dtype ?? 'float32', shape: [...shape] }) - 1;
      constants.set(made, channelsFirst(data, shape.map(Number), axis, sizes));
      swapped.set(call, { ...inputs, [input]: made });
    }
  }
  const calls = program.calls.flatMap((call) => {
    const changed = swapped.get(call);
    const own = changed === undefined ? call : { ...call, inputs: { ...call.inputs, ...changed } };
    const found = crossings.get(call);
    return found === undefined ? [own] : rerouted(own, found.picture, values);
  });
  return { ...program, values, constants, calls };
}

/**
 * vector → [N, C, H, W] → picture, or picture → [N, C, H, W] → vector. Once the picture is stored channels-first, this
 * Transpose moves no data.
 */
function rerouted(call: KernelCall, picture: ValueId, values: ProgramValue[]): KernelCall[] {
  const { dtype, shape } = values[picture] ?? { dtype: 'float32', shape: [] };
  const turned = NCHW.map((axis) => shape[axis] ?? 1);
  const between = values.push({ dtype, shape: turned }) - 1;
  if (outputOf(call) === picture) {
    return [
      { ...call, attrs: { shape: turned }, outputs: [between] },
      { ...call, kernel: 'Transpose', inputs: { x: between }, attrs: { perm: [0, 2, 3, 1] }, outputs: [picture] },
    ];
  }
  return [
    { ...call, kernel: 'Transpose', inputs: { x: picture }, attrs: { perm: [...NCHW] }, outputs: [between] },
    { ...call, inputs: { x: between } },
  ];
}

/** Reorders an `axis` (counted from the back) that enumerates (h, w, c) to (c, h, w). */
function channelsFirst(
  data: ConstantData,
  shape: readonly number[],
  axis: number,
  [h = 1, w = 1, c = 1]: readonly number[],
): ConstantData {
  const at = shape.length + axis;
  const outer = shape.slice(0, at).reduce((a, b) => a * b, 1);
  const inner = shape.slice(at + 1).reduce((a, b) => a * b, 1);
  return permuted(data, [outer, h, w, c, inner], [0, 3, 1, 2, 4]);
}
