// Dead-code elimination: removes calls that no output depends on (such as gradients that nobody uses) and constants
// that nobody reads. Inputs stay.
import { callInputs, type Program, type ValueId } from '../program/program.js';

/** Removes calls and constants that do not reach an output. Value ids do not change. */
export function eliminateDeadCode(program: Program): Program {
  const live = new Set<ValueId>(program.outputs.map((output) => output.value));
  const calls = [...program.calls].reverse().filter((call) => {
    if (!call.outputs.some((id) => live.has(id))) return false;
    for (const id of callInputs(call)) live.add(id);
    return true;
  });
  return {
    ...program,
    calls: calls.reverse(),
    constants: new Map([...program.constants].filter(([id]) => live.has(id))),
  };
}
