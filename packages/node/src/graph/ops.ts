// Text and colour of an operator in a picture of a graph.
import { ATTRIBUTE_TYPE, type Attribute, type Node } from '@forja/core/onnx';

/** Kinds of operators, from the most to the least characteristic of a layer. */
export type OpKind = 'convolution' | 'dense' | 'control' | 'norm' | 'pool' | 'activation' | 'move' | 'other';

const KINDS: readonly (readonly [OpKind, RegExp])[] = [
  ['convolution', /^(Conv|ConvTranspose|DeformConv|ConvInteger|QLinearConv|FusedConv)$/],
  ['dense', /^(Gemm|MatMul|MatMulInteger|QLinearMatMul|FusedMatMul|Einsum|LSTM|GRU|RNN|Attention|MultiHeadAttention)$/],
  ['control', /^(If|Loop|Scan)$/],
  ['norm', /(Normalization|Normalize|LRN)$/],
  ['pool', /(Pool|Resize|Upsample|GridSample)$/],
  [
    'activation',
    /^(Relu|LeakyRelu|PRelu|Elu|Selu|Celu|Gelu|Swish|Mish|Tanh|Sigmoid|HardSigmoid|HardSwish|Softplus|Softsign|ThresholdedRelu|Clip|Softmax|LogSoftmax|Erf)$/,
  ],
  [
    'move',
    /^(Reshape|Transpose|Concat|Slice|Split|Gather\w*|Pad|Squeeze|Unsqueeze|Expand|Tile|Flatten|DepthToSpace|SpaceToDepth|Identity|Cast|CastLike|Shape|Constant\w*)$/,
  ],
  ['other', /(?:)/],
];

/** The kind of an operator. */
export function kindOf({ domain = '', opType = '' }: Node): OpKind {
  const known = domain === '' || domain === 'ai.onnx' || domain === 'com.microsoft';
  return KINDS.find(([, pattern]) => known && pattern.test(opType))?.[0] ?? 'other';
}

/** The kind that decides the colour of a box of several operators. */
export const kindOfAll = (kinds: readonly OpKind[]): OpKind =>
  KINDS.find(([kind]) => kinds.includes(kind))?.[0] ?? 'other';

/** Attributes that are numbers, lists of numbers or strings, as text; tensors and graphs are left out. */
export function attributesOf(node: Node): Map<string, string> {
  const texts = node.attributes.map((attribute): [string, string | undefined] => [
    attribute.name ?? '',
    textOf(attribute),
  ]);
  return new Map(texts.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function textOf({ type, f, i, s, ints, floats }: Attribute): string | undefined {
  if (type === ATTRIBUTE_TYPE.float) return String(Number((f ?? 0).toPrecision(6)));
  if (type === ATTRIBUTE_TYPE.int) return String(i ?? 0n);
  if (type === ATTRIBUTE_TYPE.ints) return Array.from(ints, String).join(', ');
  if (type === ATTRIBUTE_TYPE.floats) return Array.from(floats, String).join(', ');
  if (type === ATTRIBUTE_TYPE.string) return new TextDecoder().decode(s);
  return undefined;
}

/** Attributes that are shown for operators without a row in {@link WORDS}. */
const SHOWN: Readonly<Record<string, string>> = {
  Transpose: 'perm',
  Concat: 'axis',
  Gather: 'axis',
  Softmax: 'axis',
  LeakyRelu: 'alpha',
  Resize: 'mode',
  Cast: 'to',
  DepthToSpace: 'blocksize',
  SpaceToDepth: 'blocksize',
};

/** The sizes of a node's weights (its second input), and its attributes. */
interface Known {
  weight: readonly number[] | undefined;
  attributes: ReadonlyMap<string, string>;
}

/** A list of sizes as text: `3×3` for `3, 3`. */
const times = (text: string): string => text.replaceAll(', ', '×');

/** Strides or dilations as text: `2` for `2, 2`; `2×1` for `2, 1`; undefined if all are 1. */
function steps(text: string | undefined): string | undefined {
  const list = text?.split(', ') ?? [];
  if (list.every((size) => size === '1')) return undefined;
  return list.every((size) => size === list[0]) ? list[0] : list.join('×');
}

function convolution(transposed: boolean): (known: Known) => string {
  return ({ weight, attributes }) => {
    const kernel = weight ? weight.slice(2).join('×') : times(attributes.get('kernel_shape') ?? '');
    const group = Number(attributes.get('group') ?? 1);
    const [first = 0, second = 0] = weight ?? [];
    const channels = transposed ? [first, second * group] : [second * group, first];
    return listed([
      kernel,
      weight && channels.join(' → '),
      labelled('stride', steps(attributes.get('strides'))),
      labelled('dilation', steps(attributes.get('dilations'))),
      group > 1 ? `${group} groups` : undefined,
    ]);
  };
}

function pool({ attributes }: Known): string {
  return listed([times(attributes.get('kernel_shape') ?? ''), labelled('stride', steps(attributes.get('strides')))]);
}

const WORDS: Readonly<Record<string, (known: Known) => string>> = {
  Conv: convolution(false),
  ConvTranspose: convolution(true),
  MaxPool: pool,
  AveragePool: pool,
  Gemm: ({ weight, attributes }) =>
    weight ? (attributes.get('transB') === '1' ? [...weight].reverse() : weight).join(' → ') : '',
  MatMul: ({ weight }) => (weight?.length === 2 ? weight.join(' → ') : ''),
};

/** A short description of an operator: `Conv 3×3, 32 → 64, stride 2`. */
export function wordsFor(node: Node, weight: readonly number[] | undefined): string {
  const { opType = '?', domain = '' } = node;
  const attributes = attributesOf(node);
  const op = domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`;
  const shown = SHOWN[opType];
  const more = WORDS[op]?.({ weight, attributes }) ?? (shown === undefined ? '' : (attributes.get(shown) ?? ''));
  return more === '' ? op : `${op} ${more}`;
}

const labelled = (label: string, text: string | undefined): string | undefined =>
  text === undefined ? undefined : `${label} ${text}`;

const listed = (parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== '').join(', ');
