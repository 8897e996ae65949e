// Builds one program: values, inputs, constants and kernel calls, and the map from tfjs data ids to values. Changes
// nothing in tfjs.
import { ExportError, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { callSite } from '../tfjs/call-site.js';
import { dataInfo } from '../tfjs/engine.js';
import { constantValue } from './evaluate.js';
import { ChanceError, type Chance } from './chance.js';
import type { KeptField } from './layers.js';
import {
  dataOf,
  isDataOf,
  type ConstantData,
  type KernelCall,
  type Program,
  type ProgramDType,
  type ProgramInput,
  type ValueId,
} from '../program/program.js';
import { watchSizes, type SizeRead } from './reads.js';
import type { TensorMeta } from './shapes/rule.js';

/** A variable met in a trace: its input, its current value, and where it was first assigned. */
interface VariableRecord {
  name: string;
  input: ValueId;
  current: ValueId;
  site?: string | undefined;
  /** Passed as state by the caller of the trace. */
  adopted?: true;
}

/** The error for a name drawn twice in a step: a name is a stream, so both draws would give the same numbers. */
export function duplicateDraw(name: string): UsageError {
  return new UsageError(`random: expected each name once per step, got '${name}' twice; rename one of the draws`);
}

/** How variables enter the program; see TraceOptions. */
export type VariableMode = 'state' | 'constant';

/** The program under construction. */
export class Recorder {
  readonly program: Program = { values: [], inputs: [], constants: new Map(), calls: [], outputs: [] };
  readonly variables: Map<tf.Variable, VariableRecord> = new Map();
  readonly constantNames: Map<ValueId, string> = new Map();
  readonly constantSites: Map<ValueId, string> = new Map();
  /** Fields that layers keep between calls and that this trace changed. */
  readonly keptFields: KeptField[] = [];
  /** Names of the layers being applied, innermost last. */
  readonly layers: string[] = [];
  /** Clocks read, and random numbers drawn, while tracing. */
  readonly chance: Chance = {};
  /** Sizes that the user's own code read, by value and axis; the first read of each. */
  readonly reads: Map<string, SizeRead> = new Map();
  /** Value of each symbolic tensor, by tfjs's data id. */
  private readonly traced = new WeakMap<object, ValueId>();
  /** Constants made from tensors of other backends, by data id, type and shape, because reshaped tensors share data. */
  private readonly foreign = new WeakMap<object, Map<string, ValueId>>();
  private readonly makers = new Map<ValueId, KernelCall>();
  private readonly names = new Set<string>();

  constructor(
    readonly mode: VariableMode,
    private readonly share: boolean = false,
    private readonly sites: boolean = true,
  ) {}

  /** Records reads of a tensor's sizes. */
  watch(tensor: tf.Tensor): void {
    const value = this.traced.get(tensor.dataId);
    if (value === undefined) return;
    watchSizes(tensor, (axes, { site }) => {
      for (const axis of axes) {
        const key = `${value} ${axis}`;
        if (!this.reads.has(key)) this.reads.set(key, { value, axis, ...(site === undefined ? {} : { site }) });
      }
    });
  }

  /** The line of the user's code that is running. */
  private site(): string | undefined {
    return this.sites ? callSite() : undefined;
  }

  /** A new value. */
  value(meta: TensorMeta): ValueId {
    return this.program.values.push({ dtype: meta.dtype, shape: [...meta.shape] }) - 1;
  }

  /** A new input. The name is made unique. */
  input(name: string, meta: TensorMeta, rest: Pick<ProgramInput, 'kind' | 'random'>): ValueId {
    const value = this.value(meta);
    const { inputs } = this.program;
    const stream = inputs.filter((other) => other.kind === 'random').length;
    inputs.push({
      name: this.unique(name),
      value,
      ...rest,
      ...(rest.random === undefined ? {} : { random: { ...rest.random, stream } }),
    });
    return value;
  }

  /** A random input for a draw in the traced function. It has the draw's name, or else `random_0`, `random_1`, … */
  random(meta: TensorMeta, random: NonNullable<ProgramInput['random']>, name?: string): ValueId {
    if (name !== undefined) {
      if (this.names.has(name)) throw duplicateDraw(name);
      return this.input(name, meta, { kind: 'random', random });
    }
    let index = 0;
    while (this.names.has(`random_${index}`)) index++;
    return this.input(`random_${index}`, meta, { kind: 'random', random });
  }

  /** A constant. Its data is copied, because tfjs does not copy and callers may change their arrays. */
  constant(values: ArrayLike<number>, meta: TensorMeta): ValueId {
    const value = this.value(meta);
    this.program.constants.set(value, dataOf(values, meta.dtype));
    const site = this.site();
    if (site !== undefined) this.constantSites.set(value, site);
    return value;
  }

  /** A constant for a tensor made outside the trace. */
  private outside(tensor: tf.TensorInfo, meta: TensorMeta): ValueId {
    const data = readForeign(tensor);
    const value = this.value(meta);
    const site = this.site();
    if (site !== undefined) this.constantSites.set(value, site);
    this.program.constants.set(value, this.share && isDataOf(data, meta.dtype) ? data : dataOf(data, meta.dtype));
    return value;
  }

  /** Maps a tfjs data id to a value. */
  bind(dataId: object, value: ValueId): void {
    this.traced.set(dataId, value);
  }

  /** A fresh tensor description for `value`. */
  info(value: ValueId, meta: TensorMeta): tf.TensorInfo {
    const dataId = {};
    this.bind(dataId, value);
    return { dataId, shape: [...meta.shape], dtype: meta.dtype };
  }

  /** Shape and type of a value of this trace. */
  meta(value: ValueId): TensorMeta {
    const { dtype, shape } = this.program.values[value] ?? { dtype: 'float32', shape: [] };
    return { dtype, shape: shape.map(Number) };
  }

  /** The value of a tensor: symbolic, a variable's present value, or a constant copied from another backend. */
  valueOf(tensor: tf.TensorInfo): ValueId {
    if (tensor instanceof tf.Variable) return this.variable(tensor).current;
    const own = this.traced.get(tensor.dataId);
    if (own !== undefined) return own;
    const key = `${tensor.dtype}:${tensor.shape.join(',')}`;
    const known = this.foreign.get(tensor.dataId) ?? new Map<string, ValueId>();
    this.foreign.set(tensor.dataId, known);
    const value =
      known.get(key) ??
      this.outside(tensor, {
        shape: [...tensor.shape],
        dtype: heldType(tensor.dtype, 'a tensor made outside the traced function'),
      });
    known.set(key, value);
    return value;
  }

  /** The record of a variable, made when it is first met. */
  variable(variable: tf.Variable): VariableRecord {
    const known = this.variables.get(variable);
    if (known !== undefined) return known;
    const meta = { shape: [...variable.shape], dtype: heldType(variable.dtype, `variable ${variable.name}`) };
    const input =
      this.mode === 'state' ? this.input(variable.name, meta, { kind: 'state' }) : this.outside(variable, meta);
    const name = this.mode === 'state' ? (this.program.inputs.at(-1)?.name ?? variable.name) : variable.name;
    if (this.mode === 'constant') this.constantNames.set(input, name);
    const record = { name, input, current: input };
    this.variables.set(variable, record);
    return record;
  }

  /** Makes the variable read as this value, which the caller of the trace passes in as state. */
  adopt(variable: tf.Variable, value: ValueId): void {
    this.variables.set(variable, { name: variable.name, input: value, current: value, adopted: true });
  }

  /** The program's values for a tensor made outside. */
  valuesOf(tensor: tf.TensorInfo): ValueId[] {
    return [...(this.foreign.get(tensor.dataId)?.values() ?? [])];
  }

  /** Records a kernel call and returns the values of its outputs. */
  call(
    kernel: string,
    inputs: KernelCall['inputs'],
    attrs: Record<string, unknown>,
    outputs: readonly TensorMeta[],
  ): ValueId[] {
    const values = outputs.map((meta) => this.value(meta));
    const [layer, site] = [this.layers.at(-1), this.site()];
    const call = {
      kernel,
      inputs,
      attrs,
      outputs: values,
      ...(layer === undefined ? {} : { layer }),
      ...(site === undefined ? {} : { site }),
    };
    this.program.calls.push(call);
    for (const id of values) this.makers.set(id, call);
    return values;
  }

  /**
   * The data of a tensor, for code that reads it while tracing: known for constants and values computed from them only;
   * refused for values computed from inputs.
   */
  read(dataId: object): ConstantData {
    const { drawn } = this.chance;
    if (drawn !== undefined)
      throw new ChanceError(
        callSite() ?? drawn,
        'expected the same computation at each call, got a read of values after tfjs drew random numbers: the branch ' +
          "that they choose would be frozen in the file. Use Forja's random, and choose by tf.where",
      );
    const own = this.traced.get(dataId);
    const data = own === undefined ? undefined : constantValue(this.program, own, (id) => this.makers.get(id));
    if (data !== undefined) return data;
    if (own === undefined && !this.isState(dataId)) {
      const info = dataInfo(dataId);
      // numeric: strings and complex numbers never enter a program
      if (info !== undefined) return info.backend.readSync(dataId) as ConstantData;
    }
    throw this.refuse(
      'expected a computation that does not look at values, got a read (dataSync, arraySync, data) of a traced ' +
        'tensor: the values exist only when the graph runs. Compute on tensors (tf.where, tf.mul with a mask), or ' +
        'read outside the traced function',
    );
  }

  /** An ExportError that names the current layer and line. */
  refuse(why: string, what = 'trace', cause?: unknown): ExportError {
    const [layer, site] = [this.layers.at(-1), callSite()];
    const where = [
      what,
      ...(layer === undefined ? [] : [`layer ${layer}`]),
      ...(site === undefined ? [] : [`at ${site}`]),
    ].join(', ');
    return new ExportError('export.unsupported', `${where}: ${why}`, cause === undefined ? undefined : { cause });
  }

  /** Whether the data belongs to a variable that is state, so its value is unknown here. */
  private isState(dataId: object): boolean {
    const all = [...this.variables.keys(), ...Object.values(tf.engine().registeredVariables)];
    return all.some(
      (v) => v.dataId === dataId && (this.mode === 'state' || this.variable(v).current !== this.variable(v).input),
    );
  }

  private unique(name: string): string {
    let [result, count] = [name, 0];
    while (this.names.has(result)) result = `${name}_${++count}`;
    this.names.add(result);
    return result;
  }
}

/** Returns the element type if programs can hold it, else throws. */
export function heldType(dtype: tf.DataType, what: string): ProgramDType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  const site = callSite();
  throw new ExportError(
    'export.unsupported',
    `${what}${site === undefined ? '' : `, at ${site}`}: expected dtype float32, int32 or bool, got ${dtype}`,
  );
}

/** A tensor's data, read through the backend that holds it; reading through another would move the data there. */
function readForeign(tensor: tf.TensorInfo): ArrayLike<number> {
  const info = dataInfo(tensor.dataId);
  if (info === undefined)
    throw new ExportError(
      'export.unsupported',
      'trace: expected a live tensor, got one that is disposed or belongs to an earlier trace',
    );
  return info.backend.readSync(tensor.dataId) as ConstantData; // heldType refuses what is not numeric
}
