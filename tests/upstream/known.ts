// Signatures where the exported graph differs from upstream's cpu kernel on purpose, each with the reason. They count
// as not passed.
import type { Signature } from './recording.js';

const KNOWN: readonly { is: (signature: Signature) => boolean; why: string }[] = [
  {
    is: ({ kernel, attrs }) => kernel === 'AvgPoolGrad' && Array.isArray(attrs['pad']),
    why: "the cpu kernel's gradient counts cells of the padding, which its average leaves out; the exported one is the derivative of the average, as in PyTorch",
  },
  {
    is: ({ kernel, attrs }) => kernel === 'TopK' && attrs['sorted'] === false,
    why: '`sorted: false` asks for any order: the exported graph sorts, the cpu kernel does not',
  },
];

/** Why a signature's numbers differ on purpose. */
export function knownDifference(signature: Signature): string | undefined {
  return KNOWN.find(({ is }) => is(signature))?.why;
}
