// Gradients that are zero everywhere, such as the second derivative of a ReLU network with respect to its input. tfjs
// finds no path from y to x on its tape and throws. Recording what each derivative was derived from distinguishes zero
// from "not connected".
import * as tf from '@tensorflow/tfjs';
import { override, type Engine } from '../tfjs/engine.js';

/** A tape node of tfjs 4's engine. */
interface TapeNode {
  inputs: Readonly<Record<string, tf.Tensor>>;
  outputs: readonly tf.Tensor[];
}

/** For tensors made as derivatives while a tape recorded: the ids that they were derived from. */
type Derivations = Map<number, readonly number[]>;

const derivations = new WeakMap<readonly TapeNode[], Derivations>();

/** Ids of the tensors that `y` depends on, along the tape and through derivatives. */
function originsOf(y: tf.Tensor, tape: readonly TapeNode[]): ReadonlySet<number> {
  const derived = derivations.get(tape);
  const makers = new Map(tape.flatMap((node) => node.outputs.map((output) => [output.id, node] as const)));
  const found = new Set([y.id]);
  for (const id of found) {
    for (const input of Object.values(makers.get(id)?.inputs ?? {})) found.add(input.id);
    for (const input of derived?.get(id) ?? []) found.add(input);
  }
  return found;
}

/**
 * Makes tfjs return zeros for derivatives that are zero everywhere, instead of throwing. Returns a function that undoes
 * it.
 */
export function zeroSlopes(): () => void {
  return override(
    tf.engine(),
    'gradients',
    (original) =>
      function (this: Engine, f, xs, dy, allowNoGradients = false) {
        let tape: readonly TapeNode[] = [];
        const watched: typeof f = () => {
          const y = f();
          tape = (this.state.activeTape ?? []) as unknown as readonly TapeNode[]; // the engine's own nodes
          return y;
        };
        const { value, grads } = original.call(this, watched, xs, dy, true);
        // The engine returns nothing for unconnected inputs, although its type does not say so.
        const found = grads as (tf.Tensor | undefined)[];
        const origins = found.includes(undefined) ? originsOf(value, tape) : undefined;
        const filled = found.map((grad, i) => {
          const x = xs[i];
          return grad ?? (x !== undefined && origins?.has(x.id) === true ? tf.zeros(x.shape) : undefined);
        });
        if (!allowNoGradients && filled.every((grad) => grad === undefined))
          throw new Error(
            'Cannot compute gradient of y=f(x) with respect to x. Make sure that the f you passed encloses all ' +
              'operations that lead from x to y.',
          );
        if (this.state.gradientDepth > 0)
          remember(tape, filled, [value, ...(dy === undefined || dy === null ? [] : [dy])]);
        return { value, grads: filled as tf.Tensor[] };
      } as Engine['gradients'], // generic in the value's class, which it passes through
  );
}

function remember(
  tape: readonly TapeNode[],
  grads: readonly (tf.Tensor | undefined)[],
  from: readonly tf.Tensor[],
): void {
  const known: Derivations = derivations.get(tape) ?? new Map<number, readonly number[]>();
  const ids = from.map(({ id }) => id);
  for (const grad of grads) if (grad !== undefined) known.set(grad.id, ids);
  derivations.set(tape, known);
}
