// What onnxruntime's messages about a failed run mean, in our codes. The builds for Node and for the web share their
// kernels, and so their messages.
import { DeviceError, ForjaError, messageOf, UsageError } from '../errors.js';
import type { NamedTensors, TensorSpec } from '../tensor.js';

/** A failed run, and what it was of. */
interface Failure {
  message: string;
  cause: unknown;
  feeds: NamedTensors;
  inputs: readonly TensorSpec[];
}

/** What a message means; the first match counts, the last row takes the rest. */
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
      new UsageError(`run: expected whole numbers that the model has entries for, got others: ${reason(message)}`, {
        code: 'input.range',
        cause,
      }),
  ],
  [/shape|dimension|broadcast|a multiple of|exceeds maximum allowed/i, misfit],
  [/(?:)/, other],
];

/** A failed run of `feeds` as one of our errors. */
export function runFailure(error: unknown, feeds: NamedTensors, inputs: readonly TensorSpec[]): ForjaError {
  if (error instanceof ForjaError) return error;
  const message = messageOf(error).trim() || 'no message';
  const failure = { message, cause: error, feeds, inputs };
  const [, mean = other] = MEANINGS.find(([pattern]) => pattern.test(message)) ?? [];
  return mean(failure);
}

/** Layers that disagree on a size: the caller's doing where the model leaves sizes open, else the model's own. */
function misfit(failure: Failure): ForjaError {
  const { message, cause, feeds, inputs } = failure;
  const open = inputs.filter(({ unranked, shape }) => unranked || shape.some((dim) => typeof dim === 'string'));
  if (open.length === 0) return other(failure);
  const got = open.map(({ name = '' }) => `${name} [${feeds[name]?.shape.join(', ') ?? ''}]`);
  return new UsageError(
    `run: expected sizes that the model's layers can take, got ${got.join(', ')}: ${reason(message)}. ` +
      'Layers need a least size, and some networks multiples of one: resize or pad to such',
    { code: 'input.shape', cause },
  );
}

function other({ message, cause }: Failure): ForjaError {
  return new ForjaError('internal', `run: onnxruntime failed: ${message}`, { cause });
}

/** The operator and the sentence about it, without places in onnxruntime's sources. */
function reason(message: string): string {
  const [, op] = /while running (\w+) node/.exec(message) ?? [];
  const said = message.replace(/^.*(Status Message|ERROR_MESSAGE): /s, '').replace(/^.* was false\. /s, '');
  return `${op === undefined ? '' : `${op}: `}${said}`.replace(/[.\s]+$/, '');
}
