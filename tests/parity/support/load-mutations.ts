// Loads seeded damaged files in a child process, one after another: each must load and run, or be refused with a code.
// A crash, a hang or running out of memory ends the child.
import { createHash } from 'node:crypto';
import { GraphBuilder, sealModel } from '@forja/core/onnx';
import { Scripts } from '../../../packages/node/vitest.support.js';

/** Outcomes for a range of seeds. */
export interface MutationTally {
  /** By code; `ok` for those that loaded and ran. */
  outcomes: Record<string, number>;
  /** Errors without our codes, and how a child ended. */
  wrong: string[];
}

/** Small, so that most of its bytes are structure: two weights that a pass reads, shapes, attributes, a manifest. */
async function target(): Promise<Uint8Array> {
  const weights = (count: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898));
  const g = new GraphBuilder({ name: 'target' });
  const dense = g.op('MatMul', [
    g.input('z', 'float32', ['batch', 4]),
    g.constant('float32', [4, 32], weights(128), 'dense'),
  ]);
  const maps = g.op('Relu', [g.op('Reshape', [dense, g.constant('int64', [4], [0, 2, 4, 4])])]);
  const up = g.op('ConvTranspose', [maps, g.constant('float32', [2, 4, 4, 4], weights(128))], {
    kernel_shape: [4, 4],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  g.output(
    'image',
    g.op('Tanh', [
      g.op('Conv', [up, g.constant('float32', [1, 4, 3, 3], weights(36))], {
        kernel_shape: [3, 3],
        pads: [1, 1, 1, 1],
      }),
    ]),
  );
  const sha256 = (bytes: Uint8Array): Promise<string> =>
    Promise.resolve(createHash('sha256').update(bytes).digest('hex'));
  return sealModel(
    g.build(),
    {
      version: 1,
      kind: 'latent',
      producer: 'test',
      inputs: [{ name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', 4], distribution: 'normal' }],
      outputs: [
        { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 8, 8], range: [-1, 1], layout: 'nchw' },
      ],
    },
    sha256,
  );
}

/**
 * JavaScript of the child. Seeds are loaded in this thread, so that nothing stands between native code and the process.
 */
const CHILD = (model: string, from: number, to: number): string => `
import { readFileSync, writeSync } from 'node:fs';
const whole = readFileSync(${JSON.stringify(model)});
const dice = (seed) => { let a = seed >>> 0; return () => { a = (a + 0x6d2b79f5) >>> 0; let t = Math.imul(a ^ (a >>> 15), a | 1); t ^= t + Math.imul(t ^ (t >>> 7), t | 61); return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32; }; };
const KINDS = [
  (b, r) => { b[Math.floor(r() * b.length)] ^= 1 << Math.floor(r() * 8); return b; },
  (b, r) => { b[Math.floor(r() * b.length)] = [0, 1, 127, 128, 255][Math.floor(r() * 5)]; return b; },
  (b, r) => b.subarray(0, Math.floor(r() * b.length)),
  (b, r) => { const at = Math.floor(r() * b.length); return Buffer.concat([b.subarray(0, at), b.subarray(at + 1 + Math.floor(r() * 16))]); },
  (b, r) => { const at = Math.floor(r() * b.length); return Buffer.concat([b.subarray(0, at), Buffer.from(Array.from({ length: 1 + Math.floor(r() * 12) }, () => Math.floor(r() * 256))), b.subarray(at)]); },
  (b, r) => { const [from, to, n] = [Math.floor(r() * b.length), Math.floor(r() * b.length), 1 + Math.floor(r() * 64)]; Buffer.from(b.subarray(from, from + n)).copy(b, to); return b; },
  (b, r) => { const at = Math.floor(r() * b.length); b.fill(255, at, Math.min(b.length, at + 1 + Math.floor(r() * 10))); return b; },
  (b, r) => { const at = Math.floor(r() * b.length); return Buffer.concat([b.subarray(0, at), b.subarray(at, at + 200), b.subarray(at)]); },
];
const outcomes = {};
const wrong = [];
for (let seed = ${from}; seed < ${to}; seed++) {
  writeSync(1, seed + '\\n');
  const r = dice(seed);
  let bytes = Buffer.from(whole);
  for (let n = 1 + Math.floor(r() * r() * 6); n > 0 && bytes.length > 0; n--) bytes = KINDS[Math.floor(r() * KINDS.length)](bytes, r);
  let outcome = 'ok';
  try {
    const generator = await load(new Uint8Array(bytes), { device: 'cpu', threads: 1, executor: 'inline', integrity: seed % 2 ? 'off' : 'error', manifest: seed % 3 ? { kind: 'latent' } : {} });
    try {
      const size = generator.manifest.inputs[0]?.shape[1];
      if (generator.manifest.kind === 'latent' && size === 4) await generator.sample({ count: 2 });
      else outcome = 'another model';
    } finally {
      await generator.dispose();
    }
  } catch (error) {
    outcome = error.code ?? 'none';
    if (!/^(model|input|usage|internal|device)/.test(outcome) || !/^\\w+Error$/.test(error.name) || /^internal$/.test(outcome) && !/onnxruntime/.test(error.message)) wrong.push(seed + ': ' + error.name + ' ' + outcome + ': ' + String(error.message).slice(0, 300));
  }
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}
console.log(JSON.stringify({ outcomes, wrong }));`;

/**
 * Loads the files of seeds `from` to `to`, some hundred per child. If a child dies, its seed is reported and the next
 * child continues after it.
 */
export async function loadMutations(from: number, to: number): Promise<MutationTally> {
  const scripts = new Scripts();
  const tally: MutationTally = { outcomes: {}, wrong: [] };
  try {
    const model = scripts.file('target.onnx', await target());
    for (let at = from; at < to;) {
      const end = Math.min(to, at + 500);
      const { stdout, stderr, code, signal } = await scripts.run(CHILD(model, at, end), [
        '--no-warnings',
        '--max-old-space-size=512',
      ]);
      const lines = stdout.trim().split('\n');
      if (code === 0) {
        const { outcomes, wrong } = JSON.parse(lines.at(-1) ?? '{}') as MutationTally; // printed by CHILD
        for (const [name, count] of Object.entries(outcomes))
          tally.outcomes[name] = (tally.outcomes[name] ?? 0) + count;
        tally.wrong.push(...wrong);
        at = end;
      } else {
        const seed = Number(lines.at(-1) ?? at);
        tally.wrong.push(`${seed}: the child ended with ${signal ?? `code ${code}`}: ${stderr.slice(-300)}`);
        at = seed + 1;
      }
    }
    return tally;
  } finally {
    scripts.remove();
  }
}
