// Dead-code elimination: calls that no output depends on, gradients nobody asked for among them, and constants nobody
// reads. Inputs stay.
import { callInputs, type Program, type ValueId } from '../program/program.js';

/** `program` without calls and constants that do not reach an output. Value ids stay as they are. */
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
