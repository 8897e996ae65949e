// The options that commands pass on to `load`.
import type { CliIo, DeviceName } from '@forja/core';
import type { LoadOptions } from '../index.js';

/** Values of LOAD_OPTIONS and of LOWERING_OPTION. */
export interface LoadArgs {
  device: DeviceName;
  threads?: number;
  integrity: 'error' | 'warn' | 'off';
  lowering?: 'auto' | 'portable';
}

/** Options of `load`; always deterministic, so that commands write the same bits every time. */
export function loadOptions({ device, threads, integrity, lowering }: LoadArgs, io: CliIo): LoadOptions {
  return {
    device,
    integrity,
    deterministic: true,
    signal: io.signal,
    ...(lowering === undefined ? {} : { lowering }),
    ...(threads === undefined ? {} : { threads }),
  };
}
