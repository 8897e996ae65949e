// The systems by name: what `forja train <system>` and a config's `system` field may say.
import { dcgan, type DcganConfig } from './dcgan.js';
import { mlpGan, type MlpGanConfig } from './mlp.js';
import type { GanSystem } from './system.js';

/** Config of each system. */
export interface SystemConfigs {
  dcgan: DcganConfig;
  mlp: MlpGanConfig;
}

/** Names of the systems. */
export type SystemName = keyof SystemConfigs;

/** Every system, by name. */
export const systems: { readonly [N in SystemName]: (config?: SystemConfigs[N]) => GanSystem } = { dcgan, mlp: mlpGan };
