// Finds random numbers that tfjs drew in JavaScript, and clock times. A trace holds them as constants, so two traces at
// the same sizes differ in these constants.
import { attributeKey } from '../program/attribute-key.js';
import { sameData, type KernelCall, type Program } from '../program/program.js';
import { ChanceError, LATER } from './chance.js';
import type { Trace } from './trace.js';

/** A constant that differs between two traces. */
export interface BakedConstant {
  shape: number[];
  /** Where it was made, `file:line:column`. */
  site?: string;
}

/**
 * Constants at the same position of two traces of one function at one size whose values differ. The traces must have
 * been made one right after the other.
 */
export function findBakedRandomness(a: Trace, b: Trace): BakedConstant[] {
  const others = [...b.program.constants.values()];
  return [...a.program.constants].flatMap(([id, data], index) => {
    const other = others[index];
    if (other !== undefined && sameData(data, other)) return [];
    const site = a.constantSites.get(id);
    return [{ shape: (a.program.values[id]?.shape ?? []).map(Number), ...(site === undefined ? {} : { site }) }];
  });
}

/** The first call that the other trace does not make, or makes with other attributes. */
function otherCall(a: Program, b: Program): KernelCall | undefined {
  const longer = a.calls.length >= b.calls.length ? a : b;
  return longer.calls.find((_, i) => {
    const [one, two] = [a.calls[i], b.calls[i]];
    return (
      one?.kernel !== two?.kernel ||
      attributeKey(one?.inputs) !== attributeKey(two?.inputs) ||
      attributeKey(one?.attrs) !== attributeKey(two?.attrs)
    );
  });
}

/**
 * Traces a function again at the same size, with its clocks set ahead; several times if it reads a clock.
 * @throws ExportError `export.unsupported` if the traces differ.
 */
export function refuseChance(first: Trace, again: (moved: number) => Trace): void {
  const [far, ...near] = LATER;
  for (const moved of first.clock === undefined ? [far] : [far, ...near]) refuseBakedRandomness(first, again(moved));
}

/**
 * Checks that two traces of one function at one size are the same. The second was recorded with its clocks set ahead.
 * @throws ExportError `export.unsupported` naming where each baked random constant was made, or the call that differs.
 */
export function refuseBakedRandomness(a: Trace, b: Trace): void {
  const other = otherCall(a.program, b.program);
  const baked = other === undefined ? findBakedRandomness(a, b) : [];
  if (a.clock !== undefined && (other !== undefined || baked.length > 0))
    throw new ChanceError(
      a.clock,
      'expected a computation that does not depend on the clock, got another one at a later time: the time of ' +
        'the export would be frozen in the file. Pass the time as an input',
    );
  if (other !== undefined)
    throw new ChanceError(
      other.site,
      `expected the same calls from two traces at one size, got different ones, such as ${other.kernel}: the ` +
        `function draws random numbers itself, or keeps something from its last call. Use Forja's random; pass ` +
        'what it keeps as an input, and return it',
    );
  if (baked.length === 0) return;
  const places = baked
    .map(({ shape, site }) => `[${shape.join(', ')}]${site === undefined ? '' : ` at ${site}`}`)
    .join('; ');
  throw new ChanceError(
    undefined,
    `expected the same constants from two traces, got different ones: ${places}. Random numbers drawn by ` +
      `tf.random* would be frozen in the graph; use Forja's random.normal, random.uniform or random.bernoulli`,
  );
}
