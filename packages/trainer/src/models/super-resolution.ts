// The generator that enlarges pictures: residual blocks at the small size, then upsampling, by pixel shuffles (Ledig et
// al. 2017, SRResNet, figure 4) or by repeated pixels before a convolution (Wang et al. 2018, ESRGAN); without batch
// norm (Lim et al. 2017, section 3.1), added to a bicubic enlargement (Kim et al. 2016, VDSR).
import { optionsOf, shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { checkWhole, joined, through } from './chain.js';
import { conv, repeat } from './convolution.js';
import { bicubic, pixelShuffle } from './layers/index.js';

/** Sizes of a {@link superResolver}. */
export interface SuperResolverConfig {
  /** How much larger: 2, 3 or 4. Default 4. */
  scale?: number;
  /** Default 3. */
  channels?: number;
  /** Channels of every map. Default 32. */
  base?: number;
  /** Residual blocks. Default 8. */
  blocks?: number;
  /** `resize` repeats pixels before a convolution, `shuffle` turns channels into pixels. Default `shuffle`. */
  up?: 'resize' | 'shuffle';
  /** Prefix of the layers' names. Default `g`. */
  name?: string;
}

/** Factors of the pixel shuffles, by scale. */
const STAGES: Readonly<Record<number, readonly number[]>> = { 2: [2], 3: [3], 4: [2, 2] };

/**
 * Picture [n, h, w, channels] of any size → [n, scale·h, scale·w, channels]. Layers are `<name>/first`,
 * `<name>/block<i>_a`, `<name>/block<i>_b`, `<name>/body`, `<name>/up<i>`, `<name>/last`.
 * @throws UsageError `config.invalid` for another scale.
 */
export function superResolver(config: SuperResolverConfig = {}): tf.LayersModel {
  optionsOf('superResolver', config, 'base blocks channels name scale up');
  const { scale = 4, channels = 3, base = 32, blocks = 8, up = 'shuffle', name = 'g' } = config;
  checkWhole('superResolver', { channels, base });
  checkWhole('superResolver', { blocks }, 0);
  const stages = STAGES[scale];
  if (stages === undefined)
    throw new UsageError(`superResolver.scale: expected 2, 3 or 4, got ${shown(scale)}`, { code: 'config.invalid' });
  const relu = (of: string): tf.layers.Layer => tf.layers.reLU({ name: `${of}_relu` });
  const layer = (of: string, filters = base): tf.layers.Layer => conv({ filters, kernelSize: 3, name: of });
  const picture = tf.input({ shape: [null, null, channels], name: `${name}/input` });
  const first = through(picture, layer(`${name}/first`));
  let x = first;
  for (let i = 0; i < blocks; i++) {
    const [a, b] = [`${name}/block${i}_a`, `${name}/block${i}_b`];
    x = joined(tf.layers.add({ name: `${name}/block${i}_sum` }), x, through(x, layer(a), relu(a), layer(b)));
  }
  x = joined(tf.layers.add({ name: `${name}/body_sum` }), first, through(x, layer(`${name}/body`)));
  for (const [i, by] of stages.entries()) {
    const of = `${name}/up${i}`;
    const steps =
      up === 'shuffle'
        ? [layer(of, base * by ** 2), pixelShuffle({ scale: by, name: `${of}_shuffle` })]
        : [repeat(by, `${of}_resize`), layer(of)];
    x = through(x, ...steps, relu(of));
  }
  const details = through(x, layer(`${name}/last`, channels));
  const smooth = through(picture, bicubic({ scale, name: `${name}/bicubic` }));
  return tf.model({
    inputs: picture,
    outputs: joined(tf.layers.add({ name: `${name}/sum` }), smooth, details),
    name,
  });
}
