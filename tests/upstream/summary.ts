// Counts of checked signatures, by kernel and by family: as numbers that CI compares with, and as docs/coverage.md.
import { createHash } from 'node:crypto';
import { PORTABLE_KERNELS } from '../../packages/trainer/src/lower/kernels/index.js';
import type { Outcome } from './check.js';
import type { Recording, Signature } from './recording.js';

/** Families of kernels, gradient kernels among them. */
export const FAMILIES: Readonly<Record<string, RegExp>> = {
  'Conv*': /^(Fused)?Conv/,
  'Depthwise*': /Depthwise/,
  '*Pool*': /Pool/,
  'Resize*': /^Resize/,
  '*Norm*': /Norm|^LRN/,
  '*MatMul': /MatMul$/,
  'Gather*, Scatter*': /^(Gather|Scatter|TensorScatter)/,
  'Slice*': /Slice$/,
  'Pad*': /Pad/,
};

/** Minimum passing share of all signatures, and of each family. */
export const BARS = { all: 0.95, family: 0.9 };

/** A signature and its outcome. */
export interface Checked {
  signature: Signature;
  outcome: Outcome;
}

/** Number of signatures, and of passing ones. */
export type Share = readonly [passed: number, of: number];

/** The numbers saved next to the document. Signatures are named by {@link fingerprint}. */
export interface Numbers {
  tfjs: string;
  /** Of float32, int32 and bool. */
  all: Share;
  families: Record<string, Share>;
  /** The same in onnxruntime-web's WASM, and of files of the oldest opset in onnxruntime-node. */
  wasm: Share;
  opset17: Share;
  /** Known failing signatures, each with its kernel. Any other failure is a regression. */
  refused: Record<string, string>;
  /** Signatures of strings and complex numbers: not counted. */
  other: number;
}

/** A short name of a signature, the same in every recording of the same specs. */
export function fingerprint({ kernel, inputs, attrs }: Signature): string {
  const text = JSON.stringify([kernel, inputs, attrs], (_, v: unknown) =>
    typeof v === 'number' && !Number.isFinite(v) ? String(v) : v,
  );
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

const numeric = ({ outcome }: Checked): boolean => outcome.status !== 'other';
const passed = ({ outcome }: Checked): boolean => outcome.status === 'passed';
const share = (some: readonly Checked[]): Share => [some.filter(passed).length, some.length];

/** The numbers of a whole run: in onnxruntime-node, in WASM, and at opset 17. */
export function numbersOf(
  { version }: Pick<Recording, 'version'>,
  checked: readonly Checked[],
  wasm: readonly Checked[],
  opset17: readonly Checked[],
): Numbers {
  const counted = checked.filter(numeric);
  return {
    tfjs: version,
    all: share(counted),
    families: Object.fromEntries(
      Object.entries(FAMILIES).map(([name, pattern]) => [
        name,
        share(counted.filter(({ signature }) => pattern.test(signature.kernel))),
      ]),
    ),
    wasm: share(wasm.filter(numeric)),
    opset17: share(opset17.filter(numeric)),
    refused: Object.fromEntries(
      counted.filter((one) => !passed(one)).map(({ signature }) => [fingerprint(signature), signature.kernel]),
    ),
    other: checked.length - counted.length,
  };
}

/** A reason without parts that vary between runs or signatures. */
function reason(why: string): string {
  const first = why.split('\n')[0] ?? '';
  return first
    .replaceAll(/\w+, at \S+:\d+:\d+: /g, '')
    .replaceAll('|', '\\|')
    .slice(0, 260);
}

function reasons(some: readonly Checked[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of some) {
    if (outcome.status === 'passed' || outcome.status === 'other') continue;
    const text = `${outcome.status === 'refused' ? '' : `${outcome.status === 'differs' ? 'on purpose' : outcome.status}: `}${reason(outcome.why)}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const shown = sorted.slice(0, 3).map(([text, n]) => `${n} × ${text}`);
  return [...shown, ...(sorted.length > 3 ? [`${sorted.length - 3} more reasons`] : [])].join('<br>');
}

const percent = ([some, of]: Share): string =>
  of === 0 ? '–' : `${(Math.floor((some / of) * 1000) / 10).toFixed(1)} %`;

/** docs/coverage.md. */
export function documentOf(recording: Recording, checked: readonly Checked[], numbers: Numbers): string {
  const counted = checked.filter(numeric);
  const of = (kernel: string): Checked[] => checked.filter(({ signature }) => signature.kernel === kernel);
  const status = (some: readonly Checked[], wanted: Outcome['status']): number =>
    some.filter(({ outcome }) => outcome.status === wanted).length;
  const kernels = [...new Set(checked.map(({ signature }) => signature.kernel))].sort();
  const rows = kernels.map((kernel) => {
    const [all, here] = [of(kernel), of(kernel).filter(numeric)];
    return `| \`${kernel}\` | ${here.length} | ${status(here, 'passed')} | ${here.length - status(here, 'passed')} | ${all.length - here.length} | ${reasons(here)} |`;
  });
  const without = Object.entries(PORTABLE_KERNELS)
    .filter(([name]) => !kernels.includes(name))
    .sort()
    .map(
      ([name, row]) =>
        `| \`${name}\` | ${typeof row === 'function' ? 'exported; `tests/parity/kernels-*.test.ts` and others test it' : row.unsupported} |`,
    );
  return `# Which TensorFlow.js kernels export

\`npm run coverage\` writes this page. TensorFlow.js's own tests are the examples: the specs that \`@tensorflow/tfjs-core\` ${recording.version} ships (${recording.counts['passed'] ?? 0} of them pass here) are run on its
cpu backend with every kernel wrapped. Each unique call (kernel, shapes, types, attributes) is a *signature*, ${checked.length} in all, kept with up to four different sets of numbers. Each signature is then exported by \`exportOnnx\` as a
function that calls this one kernel, run in onnxruntime-node, and compared with what the cpu backend gave: shape and type equal, integers and booleans equal, floats within 1e-5 (absolute or relative), NaN where NaN was.

| float32, int32, bool | signatures | pass | |
|---|--:|--:|--:|
| **all** | ${numbers.all[1]} | ${numbers.all[0]} | ${percent(numbers.all)} |
${Object.entries(numbers.families)
  .map(([name, value]) => `| \`${name}\` | ${value[1]} | ${value[0]} | ${percent(value)} |`)
  .join('\n')}

In onnxruntime-web's WASM ${numbers.wasm[0]} of ${numbers.wasm[1]} pass; in files of opset 17, \
${numbers.opset17[0]} pass (\`BitwiseAnd\` came with 18).

Of the ${counted.length - numbers.all[0]} that do not pass, ${status(counted, 'refused')} are refused by \
name when exported, ${status(counted, 'failed')} make a file that onnxruntime refuses, \
${status(counted, 'differs')} differ from the cpu kernel on purpose, and ${status(counted, 'wrong')} give other \
numbers, shapes or types.
Strings and complex numbers have no place in an exported graph: their ${numbers.other} signatures \
are refused and are not in the totals. What TensorFlow.js composes of such kernels (FFT, string splitting) \
belongs before or after the exported function.

## By kernel

| kernel | signatures | pass | fail | strings, complex | why |
|---|--:|--:|--:|--:|---|
${rows.join('\n')}

## Kernels that upstream's tests never call

| kernel | |
|---|---|
${without.join('\n')}
`;
}
