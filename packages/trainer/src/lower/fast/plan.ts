// Whether a program is lowered by the algorithms of this folder at all: what its convolutions cost in each target, and
// what it costs to change between the layouts of both, in one unit, the time of a million multiply-adds of a large
// matrix product. Calibrated in onnxruntime on CPU; see docs/performance.md.
import { traitsOf } from '../../kernels/traits.js';
import { callInputs, isStatic, type KernelCall, type Program, type ValueId } from '../../program/program.js';
import { outputOf, shapeOf } from '../../program/graph.js';
import { choose } from './choose.js';
import type { Convolution } from './contract.js';
import { describedConvolution } from './filters.js';
import { pricePicture, type PicturePrice } from './price-pictures.js';

/**
 * Of one multiply-add in onnxruntime's Conv, ConvTranspose and the filter gradient, with what they need around them.
 */
const DIRECT = 1.5;

/** Of one float transposed between channels first and channels last. */
const CROSSING = 130;

/** Of the nodes around one product, in millions. */
const NODES = 2;

/** One convolution call, and what it was taken to cost. */
export interface Choice {
  call: KernelCall;
  conv: Convolution;
  /** The algorithm's name; `portable` where none fits. */
  algorithm: string;
  cost: number;
  portable: number;
}

/** The decision for a whole program. */
export interface ConvolutionPlan {
  fast: boolean;
  choices: Choice[];
  /** What pools and resizes cost. */
  pictures: PicturePrice;
  /** What changing layouts costs beside. */
  crossings: number;
}

const multiplyAdds = ({ batch, channels, outChannels, height, width }: Convolution): number =>
  (batch * height.small * width.small * height.kernel * width.kernel * channels * outChannels) / 1e6;

/** Prices every convolution of `program`. One without any stays portable. */
export function planConvolutions(program: Program): ConvolutionPlan {
  const choices: Choice[] = [];
  const pictures: PicturePrice = { fast: 0, portable: 0 };
  let crossings = 0;
  for (const call of program.calls) {
    const conv = describedConvolution(program, call);
    const algorithm = choose(conv);
    const priced = pricePicture(program, call);
    if (priced !== undefined) {
      pictures.fast += priced.fast + NODES;
      pictures.portable += priced.portable;
    } else if (conv !== undefined && algorithm !== undefined) {
      choices.push({
        call,
        conv,
        algorithm: algorithm.name,
        cost: algorithm.cost(conv) + NODES,
        portable: DIRECT * multiplyAdds(conv),
      });
    } else if (traitsOf(call.kernel).pictures !== undefined) {
      crossings +=
        (CROSSING * [...callInputs(call), outputOf(call)].reduce((n, id) => n + pictureSize(program, id), 0)) / 1e6;
    }
  }
  const [cost, portable] = [
    choices.reduce((sum, c) => sum + c.cost, pictures.fast),
    choices.reduce((sum, c) => sum + c.portable, pictures.portable),
  ];
  return { fast: choices.length > 0 && cost + crossings < portable, choices, pictures, crossings };
}

function pictureSize(program: Program, id: ValueId): number {
  const shape = shapeOf(program, id);
  return shape.length === 4 && shape.every(isStatic) ? shape.reduce((a, b) => a * b, 1) : 0;
}

/** The plan as text, a line for each convolution. */
export function explain({ fast, choices, pictures, crossings }: ConvolutionPlan): string {
  const size = ({ conv: { batch, channels, outChannels, height: h, width: w } }: Choice): string =>
    `${batch}×${h.large}×${w.large}×${channels} ↔ ${h.small}×${w.small}×${outChannels}, kernel ${h.kernel}×${w.kernel}, stride ${h.stride}`;
  const lines = choices.map(
    (c) =>
      `${c.call.kernel}${c.call.layer === undefined ? '' : ` ${c.call.layer}`}, ${size(c)}: ${c.algorithm} ${c.cost.toFixed(1)}, portable ${c.portable.toFixed(1)}`,
  );
  const others =
    pictures.fast + pictures.portable > 0
      ? [`pools and resizes: fast ${pictures.fast.toFixed(1)}, portable ${pictures.portable.toFixed(1)}`]
      : [];
  return [
    ...lines,
    ...others,
    `changes of layout: ${crossings.toFixed(1)}`,
    `taken: ${fast ? 'fast' : 'portable'}`,
  ].join('\n');
}
