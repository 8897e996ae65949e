// Element types of the values of any graph, from the operators' specifications. Unknown types are undefined, and nodes
// that depend on them are not changed.
import { DATA_TYPE, type Attribute, type Graph, type Node, type ValueInfo } from '../ir.js';
import { operatorOf } from '../facts/shapes.js';

const { int64, bool, float32 } = DATA_TYPE;

/**
 * An output's type: a number of {@link DATA_TYPE}, or that of input `{ like }`. The last rule applies to all further
 * outputs.
 */
type Rule = readonly (number | { like: number })[];

const like = (input: number): Rule => [{ like: input }];

/** Operators whose first output does not have the first input's type. */
const RULES: Readonly<Record<string, Rule>> = {
  ArgMax: [int64],
  ArgMin: [int64],
  NonZero: [int64],
  Shape: [int64],
  Size: [int64],
  And: [bool],
  Equal: [bool],
  Greater: [bool],
  GreaterOrEqual: [bool],
  IsInf: [bool],
  IsNaN: [bool],
  Less: [bool],
  LessOrEqual: [bool],
  Not: [bool],
  Or: [bool],
  Xor: [bool],
  Dropout: [{ like: 0 }, bool],
  MaxPool: [{ like: 0 }, int64],
  TopK: [{ like: 0 }, int64],
  BatchNormalization: [{ like: 0 }, { like: 3 }],
  LayerNormalization: [{ like: 0 }, float32],
  OneHot: like(2),
  Where: like(1),
};

/**
 * Operators whose output type depends on attributes only. (Those in places.ts whose outputs all have the first input's
 * type need no rule.)
 */
const BY_ATTRIBUTE: Readonly<Record<string, (find: (name: string) => Attribute | undefined) => number>> = {
  Cast: (find) => Number(find('to')?.i ?? 0n),
  Constant: (find) => find('value')?.t?.dataType ?? ((find('value_float') ?? find('value_floats')) ? float32 : int64),
  ConstantOfShape: (find) => find('value')?.t?.dataType ?? float32,
};

/** Type of each value, by name. `known`: whether the operator's output types follow from its inputs. */
export function typesOf(graph: Graph, known: (operator: string) => boolean): Map<string, number> {
  const types = new Map<string, number>();
  const learn = (name: string | undefined, type: number | undefined): void => {
    if (name !== undefined && name !== '' && type !== undefined && type !== 0) types.set(name, type);
  };
  const declared = ({ name, type }: ValueInfo): void => learn(name, type?.tensor?.elemType);
  for (const info of [...graph.valueInfo, ...graph.outputs, ...graph.inputs]) declared(info);
  for (const tensor of graph.initializers) learn(tensor.name, tensor.dataType);
  for (const { values } of graph.sparseInitializers) learn(values?.name, values?.dataType);
  for (const node of graph.nodes) node.outputs.forEach((name, i) => learn(name, typeOf(node, i, types, known)));
  return types;
}

function typeOf(
  node: Node,
  output: number,
  types: ReadonlyMap<string, number>,
  known: (operator: string) => boolean,
): number | undefined {
  const operator = operatorOf(node);
  if (Object.hasOwn(BY_ATTRIBUTE, operator))
    return BY_ATTRIBUTE[operator]?.((name) => node.attributes.find((attribute) => attribute.name === name));
  if (!known(operator)) return undefined;
  const rules = RULES[operator] ?? like(0);
  const rule = rules[Math.min(output, rules.length - 1)] ?? 0;
  return typeof rule === 'number' ? rule : types.get(node.inputs[rule.like] ?? '');
}
