// forja inspect: shows the contents of a model file, and draws its graph. Only reads the file; runs nothing.
import { createHash } from 'node:crypto';
import { basename, extname, resolve } from 'node:path';
import {
  checkIntegrity,
  checkModelBytes,
  externalFiles,
  ModelFormatError,
  plain,
  readManifest,
  UsageError,
  type CliCommand,
  type CliIo,
  type Manifest,
} from '@forja/core';
import {
  DATA_TYPE,
  decodeModel,
  expandWeights,
  type Graph,
  type Model,
  type TensorProto,
  type ValueInfo,
} from '@forja/core/onnx';
import { readExternal } from '../files/read-file.js';
import { writeAside } from '../files/write-aside.js';
import { drawGraph } from '../graph/draw.js';
import { fileTarget, readModelFile } from './files.js';

/** The command's result, printed with `--json`. */
interface Findings {
  file: string;
  bytes: number;
  irVersion: number | null;
  opsets: Record<string, number>;
  producer: string;
  inputs: Port[];
  outputs: Port[];
  nodes: number;
  ops: Record<string, number>;
  parameters: number;
  /** External data files, by location. */
  external: string[];
  manifest: Manifest | null;
  integrity: 'ok' | 'none' | 'not checked';
}

interface Port {
  name: string;
  dtype: string;
  shape: (number | string)[] | null;
}

/** The command. */
export const inspect: CliCommand = {
  name: 'inspect',
  summary: "show a model's inputs, outputs and contents",
  arguments: [{ name: 'model', description: 'any ONNX file', required: true }],
  options: [
    { flags: '--no-integrity', description: 'do not compare the file with the SHA-256 in its manifest' },
    { flags: '--graph', description: 'draw the graph: layers, operators, shapes, parameters' },
    {
      flags: '-o, --out <file>',
      description: 'with --graph: the .html or .svg to write; default graph.html',
      type: 'path',
    },
    { flags: '--no-fold', description: 'with --graph: draw every repetition of repeated blocks' },
  ],
  examples: [
    'forja inspect generator.onnx',
    'forja inspect generator.onnx --json',
    'forja inspect generator.onnx --graph',
    'forja inspect generator.onnx --graph -o generator.svg --no-fold',
  ],
  async run(raw, io) {
    const { model, integrity, graph: draws, out, fold } = raw as unknown as Args; // `Args` has the options above
    const beside = [out !== undefined && '--out', !fold && '--no-fold'].find((flag) => flag !== false);
    if (!draws && beside !== undefined)
      throw new UsageError(`inspect ${beside}: expected --graph with it, because no file is written otherwise`);
    const target = draws ? await graphTarget(io.cwd, out ?? 'graph.html') : undefined;
    const file = resolve(io.cwd, model);
    const bytes = await readModelFile('inspect', file);
    checkModelBytes(bytes, basename(file));
    const decoded = decodeModel(bytes);
    const graph = graphOf(decoded, file);
    const found = examine(file, bytes, decoded, graph);
    found.integrity = await checked(found, bytes, integrity);
    const rows = rowsOf(found);
    print(rows, io);
    if (target === undefined) return found;
    const { text, boxes } = await drawGraph(decoded, graph, {
      title: basename(file),
      facts: rows,
      form: extname(target).toLowerCase() === '.svg' ? 'svg' : 'html',
      fold,
    });
    await writeAside(target, text);
    io.print(`Graph of ${boxes} boxes in ${target}`);
    return { ...found, drawn: { file: target, boxes } };
  },
};

/** The command's arguments. */
interface Args {
  model: string;
  integrity: boolean;
  graph?: boolean;
  out?: string;
  fold: boolean;
}

/** The path of a picture of a graph, checked before any work is done. */
async function graphTarget(cwd: string, out: string): Promise<string> {
  if (!/\.(html|svg)$/i.test(out)) throw new UsageError(`inspect --out: expected a .html or .svg file, got '${out}'`);
  return fileTarget('inspect --out', cwd, out);
}

function graphOf({ graph }: Model, file: string): Graph {
  if (!graph)
    throw new ModelFormatError('model.format', `${basename(file)}: expected an ONNX model with a graph, got none`);
  return graph;
}

function examine(file: string, bytes: Uint8Array, model: Model, graph: Graph): Findings {
  const manifest = readManifest(bytes) ?? null;
  const { irVersion, opsetImport, producerName = '', producerVersion = '' } = model;
  const constants = new Set(graph.initializers.map(({ name }) => name));
  const ops = new Map<string, number>();
  const nodes = countOps(graph, ops);
  return {
    file,
    bytes: bytes.length,
    irVersion: irVersion === undefined ? null : Number(irVersion),
    opsets: Object.fromEntries(opsetImport.map(({ domain, version }) => [domain || 'ai.onnx', Number(version ?? 0n)])),
    producer: `${producerName} ${producerVersion}`.trim(),
    inputs: graph.inputs.filter(({ name }) => !constants.has(name)).map(port),
    outputs: graph.outputs.map(port),
    nodes,
    ops: Object.fromEntries([...ops].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    parameters: (expandWeights(model).graph?.initializers ?? []) // 8-bit weights count as parameters
      .filter(isFloat)
      .reduce((sum, { dims }) => sum + dims.reduce((size, dim) => size * Number(dim), 1), 0),
    external: [
      ...new Set(
        graph.initializers.flatMap(({ externalData }) =>
          externalData.filter(({ key }) => key === 'location').map(({ value }) => value ?? ''),
        ),
      ),
    ],
    manifest,
    integrity: 'none',
  };
}

/** Compares the file and its external data with the SHA-256 in its manifest. Throws if they differ. */
async function checked(
  { file, manifest }: Findings,
  bytes: Uint8Array,
  wanted: boolean,
): Promise<Findings['integrity']> {
  if (!manifest) return 'none';
  if (!wanted) return 'not checked';
  await checkIntegrity(
    bytes,
    manifest,
    (part) => Promise.resolve(createHash('sha256').update(part).digest('hex')),
    await readExternal(file, externalFiles(bytes)),
  );
  return 'ok';
}

/** Counts the nodes of a graph and its subgraphs, and adds them to `ops` by type. */
function countOps(graph: Graph, ops: Map<string, number>): number {
  let count = graph.nodes.length;
  for (const { opType = '', domain, attributes } of graph.nodes) {
    const op = domain ? `${domain}.${opType}` : opType;
    ops.set(op, (ops.get(op) ?? 0) + 1);
    for (const { g, graphs } of attributes)
      for (const inner of g ? [g, ...graphs] : graphs) count += countOps(inner, ops);
  }
  return count;
}

const TYPE_NAME = new Map<number, string>(Object.entries(DATA_TYPE).map(([name, value]) => [value, name]));
const FLOATS: ReadonlySet<number> = new Set([
  DATA_TYPE.float32,
  DATA_TYPE.float16,
  DATA_TYPE.float64,
  DATA_TYPE.bfloat16,
]);

/** Whether a tensor counts as parameters. Integers do not, because they are shapes, axes or indices. */
function isFloat({ dataType }: TensorProto): boolean {
  return dataType !== undefined && FLOATS.has(dataType);
}

function port({ name = '', type }: ValueInfo): Port {
  const { elemType = 0, shape } = type?.tensor ?? {};
  return {
    name,
    dtype: type?.tensor ? (TYPE_NAME.get(elemType) ?? `type ${elemType}`) : 'not a tensor',
    shape: shape ? shape.dims.map(({ value, param }) => (value === undefined ? param || '?' : Number(value))) : null,
  };
}

/** Printed rows: name and text. */
function rowsOf(found: Findings): (readonly [string, string])[] {
  const { manifest } = found;
  const size = found.bytes < 1e6 ? `${(found.bytes / 1e3).toFixed(1)} kB` : `${(found.bytes / 1e6).toFixed(1)} MB`;
  const ports = (list: readonly Port[]): string =>
    list.map(({ name, dtype, shape }) => `${name} ${dtype}${shape ? `[${shape.join(', ')}]` : ''}`).join('; ');
  return [
    ['file', `${found.file}, ${size}`],
    [
      'format',
      `IR ${found.irVersion ?? '?'}, ${Object.entries(found.opsets)
        .map(([domain, version]) => `${domain} ${version}`)
        .join(', ')}${found.producer === '' ? '' : `, by ${found.producer}`}`,
    ],
    ['inputs', ports(found.inputs)],
    ['outputs', ports(found.outputs)],
    ['parameters', found.parameters.toLocaleString('en')],
    [
      'nodes',
      `${found.nodes}: ${Object.entries(found.ops)
        .map(([op, n]) => `${op} ${n}`)
        .join(', ')}`,
    ],
    ...(found.external.length > 0 ? [['external', found.external.join(', ')] as const] : []),
    ['integrity', found.integrity === 'none' ? 'none: the file has no manifest' : found.integrity],
    ...(manifest
      ? [
          [
            'manifest',
            `${manifest.kind}, by ${manifest.producer}` +
              (manifest.precision === undefined ? '' : `, ${manifest.precision}`) +
              (manifest.weights === undefined ? '' : `, weights stored as ${manifest.weights}`) +
              (manifest.license === undefined ? '' : `, licence ${manifest.license}`) +
              (manifest.trainedOn === undefined ? '' : `, trained on ${manifest.trainedOn}`),
          ] as const,
        ]
      : []),
    ...(manifest?.inputs ?? []).map(
      (input) =>
        [
          `  ${input.name}`,
          [
            input.role,
            input.distribution,
            input.classes && `${input.classes.length} classes: ${input.classes.join(', ')}`,
            input.vocabulary && `${input.vocabulary.length - 1} words: ${input.vocabulary.slice(1).join(', ')}`,
          ]
            .filter(Boolean)
            .join(', '),
        ] as const,
    ),
    ...(manifest?.outputs ?? []).map(
      (output) =>
        [
          `  ${output.name}`,
          [output.role, output.layout, output.range && `[${output.range.join(', ')}]`].filter(Boolean).join(', '),
        ] as const,
    ),
    ...(manifest?.metrics ? [['metrics', JSON.stringify(manifest.metrics)] as const] : []),
  ];
}

function print(rows: readonly (readonly [string, string])[], io: CliIo): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, text] of rows) io.print(`${name.padEnd(width)}  ${plain(text)}`);
}
