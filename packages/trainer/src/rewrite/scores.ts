// Rewrites sigmoids whose outputs are probabilities ("scores") to 1/(1 + e^-x). onnxruntime's Sigmoid has an absolute
// error of up to 8e-8. That is harmless between layers and in pictures, but not for a small probability: at x = -12 the
// error is 0.5 % of the probability, and below x = -17 it is more than the probability itself.
import { callInputs, type KernelCall, type Program, type ValueId } from '../program/program.js';
import { traitsOf } from '../kernels/traits.js';
import { inputOf, outputOf, Rewriter } from '../program/graph.js';

const isSigmoid = (call: KernelCall): boolean => call.kernel === 'Sigmoid' || call.attrs['activation'] === 'sigmoid';

/** Values computed from sigmoids and constants only. A sigmoid that gates other numbers is no score. */
function madeOfScores(program: Program): Set<ValueId> {
  const made = new Set<ValueId>();
  for (const call of program.calls) {
    const inputs = callInputs(call).filter((id) => !program.constants.has(id));
    const { moves, keepsAccuracy } = traitsOf(call.kernel);
    const kept = (moves !== undefined || keepsAccuracy === true) && inputs.length > 0;
    if (isSigmoid(call) || (kept && inputs.every((id) => made.has(id)))) for (const id of call.outputs) made.add(id);
  }
  return made;
}

/** Rewrites the sigmoids that reach an output as scores. `scores`: names of these outputs. */
export function exactScores(program: Program, scores: readonly string[]): Program {
  const made = madeOfScores(program);
  const wanted = new Set<ValueId>(
    program.outputs.filter(({ name }) => scores.includes(name)).map(({ value }) => value),
  );
  for (const call of [...program.calls].reverse()) {
    const { moves, keepsAccuracy } = traitsOf(call.kernel);
    const hands = moves !== undefined || (keepsAccuracy === true && call.outputs.every((id) => made.has(id)));
    if (hands && call.outputs.some((id) => wanted.has(id))) for (const id of callInputs(call)) wanted.add(id);
  }
  const rewriter = new Rewriter(program);
  return rewriter.run((call) => {
    const y = outputOf(call);
    const alone = call.kernel === 'Sigmoid' ? inputOf(call, 'x') : undefined;
    if (!wanted.has(y) || !isSigmoid(call) || (alone !== undefined && rewriter.dtype(alone) !== 'float32'))
      return rewriter.emit(call);
    const shape = rewriter.shape(y);
    const { layer, site } = call;
    const place = { ...(layer === undefined ? {} : { layer }), ...(site === undefined ? {} : { site }) };
    const x = alone ?? rewriter.value('float32', shape);
    if (alone === undefined) rewriter.emit({ ...call, attrs: { ...call.attrs, activation: 'linear' }, outputs: [x] });
    const make = (): ValueId => rewriter.value('float32', shape);
    const [negative, power, sum] = [make(), make(), make()];
    const one = rewriter.constant('float32', [], Float32Array.of(1));
    rewriter.emit({ kernel: 'Neg', inputs: { x }, attrs: {}, outputs: [negative], ...place });
    rewriter.emit({ kernel: 'Exp', inputs: { x: negative }, attrs: {}, outputs: [power], ...place });
    rewriter.emit({ kernel: 'Add', inputs: { a: power, b: one }, attrs: {}, outputs: [sum], ...place });
    rewriter.emit({ kernel: 'Reciprocal', inputs: { x: sum }, attrs: {}, outputs: [y], ...place });
  });
}
