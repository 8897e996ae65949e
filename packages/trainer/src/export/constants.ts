// Refuses constants that produce NaN: NaN anywhere, and infinity in a variable or in a product. Verification would not
// notice them, because file and tfjs would both give NaN.
import { ModelFormatError } from '@forja/core';
import { callInputs, type KernelCall, type ValueId } from '../program/program.js';
import { traitsOf } from '../kernels/traits.js';
import { valueOutputs } from '../program/graph.js';
import type { Trace } from '../trace/trace.js';

/**
 * Refuses NaN, infinite variables, and infinite constants that are multiplied (0 · ∞ is NaN). Sums, selections and
 * comparisons may use infinity as a mask.
 * @throws ModelFormatError `model.format` naming the constant and the line of the function.
 */
export function refuseNanConstants({ program, constantNames, constantSites }: Trace): void {
  const infinite = new Map<ValueId, string>();
  for (const [id, data] of program.constants) {
    if (!(data instanceof Float32Array)) continue;
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    const name = constantNames.get(id);
    const shape = (program.values[id]?.shape ?? []).map(Number).join(', ');
    const what = `${name === undefined ? 'a constant' : `the variable '${name}'`} [${shape}]`;
    const notNumber = data.findIndex(Number.isNaN);
    if (name !== undefined || notNumber >= 0) {
      const place = notNumber >= 0 ? notNumber : at;
      refuse(`${what}${atSite(constantSites.get(id))}`, `${data[place]} at place ${place}`);
    }
    infinite.set(id, `${what} with ${data[at]} at place ${at}`);
  }
  for (const call of program.calls) {
    const odd = Object.entries(call.attrs).find(([, value]) => Number.isNaN(value));
    if (odd !== undefined) refuse(`attribute ${odd[0]} of ${call.kernel}${atSite(call.site)}`, 'NaN');
    const from = callInputs(call).find((id) => infinite.has(id));
    const what = from === undefined ? filled(call) : infinite.get(from);
    if (what === undefined) continue;
    const { multiplies, moves, keepsInfinity } = traitsOf(call.kernel);
    if (multiplies !== undefined) refuse(`what ${call.kernel}${atSite(call.site)} multiplies`, what);
    if (from === undefined || moves !== undefined || keepsInfinity === true)
      for (const id of valueOutputs(call)) infinite.set(id, what);
  }
}

/** Describes a Fill with infinity. */
function filled({ kernel, attrs }: KernelCall): string | undefined {
  const { value } = attrs;
  return kernel === 'Fill' && typeof value === 'number' && !Number.isFinite(value) ? `a fill with ${value}` : undefined;
}

function atSite(site: string | undefined): string {
  return site === undefined ? '' : `, at ${site}`;
}

function refuse(where: string, got: string): never {
  throw new ModelFormatError(
    'model.format',
    `exportOnnx: expected numbers in ${where}, got ${got}; the weights are damaged, training failed, or that ` +
      'line is wrong (infinity may be added, selected and compared, as in masks, but not multiplied)',
  );
}
