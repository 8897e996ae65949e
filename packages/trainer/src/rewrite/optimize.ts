// The passes in their order, run until nothing changes.
import type { Program } from '../program/program.js';
import { simplifyReductions } from './algebra.js';
import { foldAffine } from './affine.js';
import { simplifyBroadcasts } from './broadcast.js';
import { attributeKey } from '../program/attribute-key.js';
import { eliminateCommonSubexpressions } from './common.js';
import { eliminateDeadCode } from './dead.js';
import { convolveBeforeEnlarging } from './enlarged.js';
import { foldConstants } from './fold.js';
import type { Pass } from '../program/graph.js';
import { removeNoops } from './noop.js';
import { spreadNorms } from './norm.js';
import { joinPads } from './padded.js';
import { flattenProducts } from './products.js';
import { shrinkUniforms } from './uniform.js';

/**
 * The order matters within a round: flattened products leave reshapes that are no-ops; no-ops hide equal
 * subexpressions, so they go next; equal calls are merged before broadcasting is simplified, which looks at who made an
 * operand; what scales and shifts channels folds into weights once it is constant; dead code goes last.
 */
export const PASSES: readonly Pass[] = [
  flattenProducts,
  removeNoops,
  eliminateCommonSubexpressions,
  foldConstants,
  shrinkUniforms,
  spreadNorms,
  simplifyBroadcasts,
  simplifyReductions,
  foldAffine,
  eliminateDeadCode,
];

/** Once, when the rounds are over: convolutions have their final weights then. */
const LAST: readonly Pass[] = [joinPads, convolveBeforeEnlarging, eliminateDeadCode];

/** More rounds than any program needs: each removes or shrinks something. */
const ROUNDS = 16;

/**
 * Runs `passes` in order, again and again, until a round changes nothing; then, unless the caller names passes, the
 * last ones.
 */
export function optimize(program: Program, passes: readonly Pass[] = PASSES): Program {
  let current = program;
  let before = '';
  for (let round = 0; round < ROUNDS; round++) {
    current = passes.reduce((p, pass) => pass(p), current);
    const now = signature(current);
    if (now === before) break;
    before = now;
  }
  return passes === PASSES ? LAST.reduce((p, pass) => pass(p), current) : current;
}

/** What a program consists of, as text; numbers of values that a pass made anew count by order of appearance. */
function signature(program: Program): string {
  const order = new Map<number, number>();
  const name = (id: number): number => {
    if (!order.has(id)) order.set(id, order.size);
    return order.get(id) ?? 0;
  };
  return program.calls
    .map(
      (call) =>
        `${call.kernel} ${Object.entries(call.inputs)
          .map(([k, ids]) => `${k}=${[ids].flat().map(name).join()}`)
          .join(' ')} ${call.outputs.map(name).join()} ${attributeKey(call.attrs)}`,
    )
    .join('\n');
}
