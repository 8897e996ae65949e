// Types of mnist.mjs.
export function loadMnist(split: 'train' | 't10k'): { count: number; images: Float32Array; labels: Uint8Array };
