// The structural check of a model: rules that every reader relies on, without the rules of single operators. Names are
// defined once and before use, types and sizes are valid.
import { ModelFormatError } from '../errors.js';
import { isBytes, optionsOf } from '../realm.js';
import { checkAttribute } from './check-attribute.js';
import { checkDataType, checkSizes, checkSparseTensor, checkTensor, fail } from './check-tensor.js';
import { decodeModel } from './deserialize.js';
import type { Graph, Model, ModelFunction, Node, OperatorSetId, TypeProto, ValueInfo } from './ir.js';
import { IR_VERSION } from './schema/onnx.js';

/** Maximum depth of subgraphs: decoding allows 100 nested messages, of which each subgraph takes three. */
const MAX_DEPTH = 33;

/** Context of a graph's check: the imported domains, the values of the enclosing graphs, and the depth. */
interface Context {
  readonly domains: ReadonlySet<string>;
  readonly outer: Scope | undefined;
  readonly depth: number;
  readonly inFunction: boolean;
}

/** Names of values, looked up from the inside out. */
interface Scope {
  readonly names: Set<string>;
  readonly outer: Scope | undefined;
}

/**
 * Throws the first structural fault of a model (or of its bytes, which are decoded first) as {@link ModelFormatError}
 * `model.format`, with a path such as `graph.node[3] (Conv 'conv_1').attribute['pads']`; `model.unsupported` for an IR
 * version above ours. Checked: versions and domains are present; SSA form (each value defined once, before its use);
 * names of inputs, initializers, outputs and attributes are present and unique; types and dims of values, initializers
 * and tensors (no negative or overflowing size, exactly the bytes that the dims imply); external files are in the
 * model's folder; attributes hold a value of their type; the same for subgraphs, functions and training graphs.
 */
export function checkModel(model: Model | Uint8Array): void {
  const { irVersion, opsetImport, graph, functions, trainingInfo } = isBytes(model)
    ? decodeModel(model)
    : optionsOf('checkModel', model);
  if (irVersion === undefined || irVersion < 1n) fail('ir_version', `1 to ${IR_VERSION}`, String(irVersion ?? 'none'));
  if (irVersion > IR_VERSION) {
    throw new ModelFormatError(
      'model.unsupported',
      `ir_version: expected at most ${IR_VERSION}, got ${irVersion}: the model was written by a newer tool; ` +
        'export it with an older IR version, or update @forja/core',
    );
  }
  if (!graph) fail('graph', 'a graph', 'none');
  // Before IR version 3 there were no operator sets: everything was version 1 of the default one.
  const domains = opsetImport.length === 0 && irVersion < 3n ? new Set(['']) : checkOpsets(opsetImport, 'opset_import');
  const context: Context = { domains, outer: undefined, depth: 0, inFunction: false };
  const scope = checkGraph(graph, 'graph', context);
  unique(
    functions.map((f) => `${f.domain ?? ''}.${f.name ?? ''}${f.overload ? `:${f.overload}` : ''}`),
    'functions',
    'function',
  );
  for (const [i, f] of functions.entries()) checkFunction(f, `functions[${i}] (${f.name ?? ''})`, domains);
  for (const [i, { initialization, algorithm }] of trainingInfo.entries()) {
    if (initialization)
      checkGraph(initialization, `training_info[${i}].initialization`, { ...context, outer: scope, depth: 1 });
    if (algorithm) checkGraph(algorithm, `training_info[${i}].algorithm`, { ...context, outer: scope, depth: 1 });
  }
}

function checkOpsets(opsets: readonly OperatorSetId[], where: string): Set<string> {
  if (opsets.length === 0) fail(where, 'at least one operator set', 'none');
  for (const [i, { version }] of opsets.entries())
    if (version === undefined || version < 1n) fail(`${where}[${i}].version`, 'at least 1', String(version ?? 'none'));
  const domains = opsets.map(({ domain }) => normal(domain));
  unique(domains, where, 'domain');
  return new Set(domains);
}

/** The default domain has two names. */
function normal(domain = ''): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function checkGraph(graph: Graph, where: string, context: Context): Scope {
  if (context.depth > MAX_DEPTH) fail(where, `at most ${MAX_DEPTH} graphs within each other`, 'more');
  const main = context.depth === 0;
  const scope: Scope = { names: new Set(), outer: context.outer };
  for (const [i, input] of graph.inputs.entries()) {
    checkValue(input, `${where}.input[${i}]`, main);
    define(scope, input.name, `${where}.input[${i}]`, 'input');
  }
  // An initializer may be the default of an input of the same name, but must not have another initializer's name.
  const weights = [
    ...graph.initializers.map((tensor, i) => ({
      name: tensor.name,
      at: `${where}.initializer[${i}]`,
      check: (at: string) => checkTensor(tensor, at),
    })),
    ...graph.sparseInitializers.map((sparse, i) => ({
      name: sparse.values?.name,
      at: `${where}.sparse_initializer[${i}]`,
      check: (at: string) => checkSparseTensor(sparse, at),
    })),
  ];
  const seen = new Set<string>();
  for (const { name, at, check } of weights) {
    define({ names: seen, outer: undefined }, name, at, 'initializer');
    check(`${at} ('${name}')`);
    scope.names.add(name ?? '');
  }
  checkNodes(graph.nodes, where, scope, context);
  for (const [i, output] of graph.outputs.entries()) {
    const at = `${where}.output[${i}]`;
    checkValue(output, at, main);
    if (!defined(output.name ?? '', main ? { names: scope.names, outer: undefined } : scope))
      fail(at, 'a value of the graph', `'${output.name}', which nothing computes`);
  }
  if (main)
    unique(
      graph.outputs.map(({ name }) => name ?? ''),
      `${where}.output`,
      'output',
    );
  for (const [i, value] of graph.valueInfo.entries()) checkValue(value, `${where}.value_info[${i}]`, false);
  return scope;
}

function checkNodes(nodes: readonly Node[], where: string, scope: Scope, context: Context): void {
  for (const [i, node] of nodes.entries()) {
    const at = `${where}.node[${i}] (${node.opType ?? ''}${node.name ? ` '${node.name}'` : ''})`;
    if (!node.opType) fail(at, 'an op_type', 'none');
    if (!context.domains.has(normal(node.domain)))
      fail(
        at,
        `an operator set for domain '${node.domain ?? ''}' in opset_import`,
        [...context.domains].map((d) => `'${d}'`).join(', '),
      );
    for (const [j, name] of node.inputs.entries()) {
      if (name !== '' && !defined(name, scope))
        fail(
          `${at}.input[${j}]`,
          'a value defined before',
          `'${name}', which ${computedLater(name, nodes, i) ? 'a later node computes' : 'nothing defines'}`,
        );
    }
    unique(
      node.attributes.map(({ name }) => name ?? ''),
      `${at}.attribute`,
      'attribute',
    );
    for (const attribute of node.attributes) {
      if (!attribute.name) fail(`${at}.attribute`, 'a name', 'none');
      checkAttribute(attribute, `${at}.attribute['${attribute.name}']`, context.inFunction, (graph, path) => {
        checkGraph(graph, path, { ...context, outer: scope, depth: context.depth + 1 });
      });
    }
    for (const [j, name] of node.outputs.entries()) if (name !== '') define(scope, name, `${at}.output[${j}]`, 'value');
  }
}

function computedLater(name: string, nodes: readonly Node[], from: number): boolean {
  return nodes.slice(from).some((node) => node.outputs.includes(name));
}

function checkFunction(f: ModelFunction, where: string, domains: ReadonlySet<string>): void {
  if (!f.name) fail(where, 'a name', 'none');
  const own = f.opsetImport.length > 0 ? checkOpsets(f.opsetImport, `${where}.opset_import`) : domains;
  const scope: Scope = { names: new Set(), outer: undefined };
  for (const [i, name] of f.inputs.entries()) define(scope, name, `${where}.input[${i}]`, 'input');
  unique([...f.attributes, ...f.attributeProtos.map(({ name }) => name ?? '')], `${where}.attribute`, 'attribute');
  checkNodes(f.nodes, where, scope, { domains: own, outer: undefined, depth: 1, inFunction: true });
  for (const [i, name] of f.outputs.entries())
    if (!defined(name, scope))
      fail(`${where}.output[${i}]`, 'a value of the function', `'${name}', which nothing computes`);
}

function checkValue(value: ValueInfo, where: string, typed: boolean): void {
  if (!value.name) fail(where, 'a name', 'none');
  if (value.type) checkType(value.type, `${where} ('${value.name}').type`);
  else if (typed) fail(`${where} ('${value.name}')`, 'a type', 'none');
}

/** Calls itself for nested types, whose depth is limited by decoding. */
function checkType(type: TypeProto, where: string): void {
  const { tensor, sparseTensor, sequence, optional, map, opaque } = type;
  const tensorType = tensor ?? sparseTensor;
  if (tensorType) {
    checkDataType(tensorType.elemType, `${where}.elem_type`);
    checkSizes(tensorType.shape?.dims.map(({ value }) => value ?? 1n) ?? [], `${where}.shape`);
  } else if (map) {
    checkDataType(map.keyType, `${where}.map.key_type`);
    checkType(map.valueType ?? fail(`${where}.map`, 'a value type', 'none'), `${where}.map.value_type`);
  } else if (sequence ?? optional) {
    checkType((sequence ?? optional)?.elemType ?? fail(where, 'an element type', 'none'), `${where}.elem_type`);
  } else if (!opaque) fail(where, 'a tensor, sequence, map, optional or opaque type', 'none');
}

function define(scope: Scope, name: string | undefined, where: string, what: string): void {
  if (!name) fail(where, 'a name', 'none');
  if (scope.names.has(name)) fail(where, 'names that are defined once', `a second ${what} '${name}'`);
  scope.names.add(name);
}

function defined(name: string, scope: Scope): boolean {
  for (let at: Scope | undefined = scope; at; at = at.outer) if (at.names.has(name)) return true;
  return false;
}

function unique(names: readonly string[], where: string, what: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) fail(where, 'names that are used once', `a second ${what} '${name}'`);
    seen.add(name);
  }
}
