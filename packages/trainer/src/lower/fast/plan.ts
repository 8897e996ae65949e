// Decides whether a program is lowered for target `fast`, from the cost of its convolutions in each target and of
// converting between the two layouts. The unit is the time of a million multiply-adds of a large matrix product.
// Calibrated in onnxruntime on CPU; see docs/performance.md.
import { traitsOf } from '../../kernels/traits.js';
import { callInputs, isStatic, type KernelCall, type Program, type ValueId } from '../../program/program.js';
import { outputOf, shapeOf } from '../../program/graph.js';
import { choose } from './choose.js';
import type { Convolution } from './contract.js';
import { describedConvolution } from './filters.js';
import { pricePicture, type PicturePrice } from './price-pictures.js';

/**
 * Cost of one multiply-add in onnxruntime's Conv, ConvTranspose and the filter gradient, including the nodes around
 * them.
 */
const DIRECT = 1.5;

/** Cost of transposing one float between channels first and channels last, in multiply-adds. */
const CROSSING = 130;

/** Overhead of the nodes around one product, in millions of multiply-adds. */
const NODES = 2;

/** One convolution call and its estimated cost. */
export interface Choice {
  call: KernelCall;
  conv: Convolution;
  /** The algorithm's name. */
  algorithm: string;
  cost: number;
  portable: number;
}

/** The decision for a whole program. */
export interface ConvolutionPlan {
  fast: boolean;
  choices: Choice[];
  /** Cost of pools and resizes. */
  pictures: PicturePrice;
  /** Additional cost of layout changes. */
  crossings: number;
}

const multiplyAdds = ({ batch, channels, outChannels, height, width }: Convolution): number =>
  (batch * height.small * width.small * height.kernel * width.kernel * channels * outChannels) / 1e6;

/** Estimates every convolution of `program`. A program without convolutions stays portable. */
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

/** The plan as text, one line per convolution. */
export function explain({ fast, choices, pictures, crossings }: ConvolutionPlan): string {
  const size = ({ conv: { batch, channels, outChannels, height: h, width: w } }: Choice): string =>
    `${batch}×${h.large}×${w.large}×${channels} ↔ ${h.small}×${w.small}×${outChannels}, kernel ` +
    `${h.kernel}×${w.kernel}, stride ${h.stride}`;
  const lines = choices.map(
    (c) =>
      `${c.call.kernel}${c.call.layer === undefined ? '' : ` ${c.call.layer}`}, ${size(c)}: ${c.algorithm} ` +
      `${c.cost.toFixed(1)}, portable ${c.portable.toFixed(1)}`,
  );
  const others =
    pictures.fast + pictures.portable > 0
      ? [`pools and resizes: fast ${pictures.fast.toFixed(1)}, portable ${pictures.portable.toFixed(1)}`]
      : [];
  return [
    ...lines,
    ...others,
    `changes of layout: ${crossings.toFixed(1)}`,
    `chosen: ${fast ? 'fast' : 'portable'}`,
  ].join('\n');
}
