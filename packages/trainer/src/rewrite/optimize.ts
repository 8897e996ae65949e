// Runs the passes in order until nothing changes.
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
 * The order matters within a round. Flattened products leave reshapes that are no-ops. No-ops hide equal
 * subexpressions, so they are removed first. Equal calls are merged before broadcasts are simplified, because that
 * looks at which call made an operand. Scales and shifts fold into weights once they are constant. Dead code is removed
 * last.
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

/** Run once after the rounds, when convolutions have their final weights. */
const LAST: readonly Pass[] = [joinPads, convolveBeforeEnlarging, eliminateDeadCode];

/** Upper limit of rounds; each round removes or shrinks something, and no known program needs as many. */
const ROUNDS = 16;

/** Runs rounds of `passes` until a round changes nothing; then, unless the caller names passes, the final ones. */
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

/**
 * The program's calls as text. Values are numbered by first appearance, so that new ids of a pass make no difference.
 */
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
