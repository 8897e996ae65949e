// Numbers at which either a file or the network that it is compared with changes its behaviour, but not both: usual
// draws may not reach them, so that a ReLU6 would pass for a ReLU.
import { DATA_TYPE, decodeModel, type Graph, type TensorProto } from '@forja/core/onnx';
import type { Program } from '../program/program.js';

/** Operators that clip at a constant or compare with one. */
const OPERATORS = /^(Clip|Min|Max|Greater|GreaterOrEqual|Less|LessOrEqual)$/;

/** Magnitudes that usual draws reach, and magnitudes beyond which float32 resolves little. */
const [NEAR, FAR] = [1, 1e6];

/** Maximum length of a constant, and maximum number of thresholds. */
const [SMALL, MANY] = [16, 4];

/**
 * Magnitudes of such numbers, the smallest first. `bytes`: the file's pictures are bytes, which are clipped at 255; the
 * comparison knows that.
 */
export function differingThresholds(file: Uint8Array, program: Program, bytes = false): number[] {
  const [theirs, ours] = [thresholdsOf(decodeModel(file).graph), bounds(program)];
  const [known, given] = [new Set([...numbersOf(program).map(Math.fround), ...(bytes ? [255] : [])]), new Set(theirs)];
  const differing = [...theirs.filter((one) => !known.has(one)), ...ours.filter((one) => !given.has(Math.fround(one)))];
  const far = differing.map(Math.abs).filter((value) => value > NEAR && value < FAR);
  return [...new Set(far)].sort((a, b) => a - b).slice(0, MANY);
}

function thresholdsOf(graph: Graph | undefined): number[] {
  const tensors = new Map<string, TensorProto | undefined>([
    ...(graph?.initializers ?? []).map((one) => [one.name ?? '', one] as const),
    ...(graph?.nodes ?? [])
      .filter(({ opType }) => opType === 'Constant')
      .map(
        ({ outputs, attributes }) => [outputs[0] ?? '', attributes.find(({ name }) => name === 'value')?.t] as const,
      ),
  ]);
  return (graph?.nodes ?? [])
    .filter(({ opType = '' }) => OPERATORS.test(opType))
    .flatMap(({ inputs, attributes }) => [
      ...inputs.flatMap((name) => floatsOf(tensors.get(name))),
      ...attributes.flatMap(({ f }) => (f === undefined ? [] : [f])), // Clip's bounds before opset 11
    ]);
}

/** The bounds of the program's clips. */
function bounds({ calls }: Program): number[] {
  return calls.flatMap(({ kernel, attrs }) =>
    kernel === 'Relu6' || attrs['activation'] === 'relu6'
      ? [6]
      : [attrs['clipValueMin'], attrs['clipValueMax']].filter((value) => typeof value === 'number'),
  );
}

/** The numbers in attributes and small constants. */
function numbersOf(program: Program): number[] {
  const { calls, constants } = program;
  return [
    ...bounds(program),
    ...calls.flatMap(({ attrs }) => Object.values(attrs).filter((value) => typeof value === 'number')),
    ...[...constants.values()].flatMap((data) => (data.length <= SMALL ? [...data] : [])),
  ];
}

function floatsOf(tensor: TensorProto | undefined): number[] {
  if (tensor?.dataType !== DATA_TYPE.float32 || tensor.dims.reduce((a, b) => a * b, 1n) > SMALL) return [];
  const { rawData, floatData } = tensor;
  if (rawData === undefined) return [...floatData];
  return [...new Float32Array(rawData.slice().buffer)];
}
