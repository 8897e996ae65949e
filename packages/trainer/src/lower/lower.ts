// Lowering a whole program to an ONNX graph. CONTRACT; context.ts implements LowerContext, kernels/ holds the rows.
import type { Model } from '@forja/core/onnx';
import type { Program, ProgramDType } from '../trace/program.js';
import type { Perm } from './contract.js';

/** What a lowering may be told. */
export interface LowerOptions {
  target: 'portable' | 'fast';
  opset?: number;
  /** Physical order wanted for inputs and outputs, by name; default: logical order. State is free unless named here. */
  orders?: Record<string, Perm>;
}

/** How a state value is stored in the graph: physical axis i is logical axis perm[i]. */
export interface StateLayout {
  input: string;
  output: string;
  dtype: ProgramDType;
  shape: number[];
  perm: Perm;
}

/** A lowered program. */
export interface Lowered {
  model: Model;
  /** In the order of the program's state inputs. A state that is never assigned has no output and is not listed: it is an ordinary input named in `fixed`. */
  state: StateLayout[];
  /** State that is only read: fed once, kept as it is. `output` is an Identity of it where the executor needs one. */
  fixed: StateLayout[];
}

/**
 * @throws ExportError `export.unsupported` naming every kernel without a lowering, each with layer and call site.
 */
export declare function lowerProgram(program: Program, options: LowerOptions): Lowered;
