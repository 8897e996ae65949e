// Translates onnxruntime's messages about a failed run into our error codes. The builds for Node and the web share
// their kernels, and therefore their messages.
import { DeviceError, ForjaError, messageOf, UsageError } from '../errors.js';
import type { NamedTensors, TensorSpec } from '../tensor.js';

/** A failed run, with its feeds and inputs. */
interface Failure {
  message: string;
  cause: unknown;
  feeds: NamedTensors;
  inputs: readonly TensorSpec[];
}

/** Message patterns and their errors; the first match wins, the last row matches anything. */
const MEANINGS: readonly (readonly [RegExp, (failure: Failure) => ForjaError])[] = [
  [
    /invalid dimensions for input|Invalid rank for input|Unexpected input data type|Missing Input|Invalid Feed/i,
    ({ message, cause }) => new UsageError(`run: ${message}`, { code: 'input.shape', cause }),
  ],
  [
    /device.*(lost|destroyed)|CUDA failure|CUDNN failure/i,
    ({ message, cause }) => new DeviceError('device.lost', `run: ${message}`, { cause }),
  ],
  [
    /out of (data )?bounds/i,
    ({ message, cause }) =>
      new UsageError(
        `run: expected indices within the model's tables (classes, words), got one outside: ${reason(message)}`,
        { code: 'input.range', cause },
      ),
  ],
  [
    /integer (division|modulo) by zero/i,
    ({ message, cause }) =>
      new UsageError(`run: expected inputs that make no integer divisor 0, got some that do: ${reason(message)}`, {
        code: 'input.range',
        cause,
      }),
  ],
  [/shape|dimension|broadcast|a multiple of|exceeds maximum allowed/i, sizeMismatch],
  [/(?:)/, unknownFailure],
];

/** The error for a failed run of `feeds`. */
export function runFailure(error: unknown, feeds: NamedTensors, inputs: readonly TensorSpec[]): ForjaError {
  if (error instanceof ForjaError) return error;
  const message = messageOf(error).trim() || 'no message';
  const failure = { message, cause: error, feeds, inputs };
  const [, toError = unknownFailure] = MEANINGS.find(([pattern]) => pattern.test(message)) ?? [];
  return toError(failure);
}

/**
 * The error for layers that disagree on a size: `input.shape` if the model has dynamic sizes, which the caller chose,
 * else `internal`.
 */
function sizeMismatch(failure: Failure): ForjaError {
  const { message, cause, feeds, inputs } = failure;
  const open = inputs.filter(({ unranked, shape }) => unranked || shape.some((dim) => typeof dim === 'string'));
  if (open.length === 0) return unknownFailure(failure);
  const got = open.map(({ name = '' }) => `${name} [${feeds[name]?.shape.join(', ') ?? ''}]`);
  return new UsageError(
    `run: expected sizes that the model's layers can take, got ${got.join(', ')}: ${reason(message)}. ` +
      'Layers need a minimum size, and some networks multiples of a number; resize or pad to such a size',
    { code: 'input.shape', cause },
  );
}

function unknownFailure({ message, cause }: Failure): ForjaError {
  return new ForjaError('internal', `run: onnxruntime failed: ${message}`, { cause });
}

/** The operator and the message about it, without onnxruntime's source locations. */
function reason(message: string): string {
  const [, op] = /while running (\w+) node/.exec(message) ?? [];
  const said = message.replace(/^.*(Status Message|ERROR_MESSAGE): /s, '').replace(/^.* was false\. /s, '');
  return `${op === undefined ? '' : `${op}: `}${said}`.replace(/[.\s]+$/, '');
}
