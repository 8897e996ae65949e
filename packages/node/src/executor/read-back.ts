// Copies tensors in GPU buffers to the CPU. onnxruntime-node has no call for that, and its `getData` ends the process,
// so an identity model is run, whose output is returned on the CPU.
import { dtypeOf, type Tensor } from '@forja/core';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Device } from './devices/device.js';
import { fromOrt, type Ort } from './tensors.js';

/** One session for each provider, type and rank. */
export class ReadBack {
  readonly #sessions = new Map<string, Promise<InferenceSession>>();

  /** A copy of `tensor`, which is in a buffer of `provider`. */
  async read(ort: Ort, provider: Device['name'], tensor: OrtTensor): Promise<Tensor> {
    const key = `${provider} ${tensor.type} ${tensor.dims.length}`;
    const session = this.#sessions.get(key) ?? open(ort, provider, tensor);
    this.#sessions.set(key, session);
    const { value } = await (await session).run({ handed: tensor });
    return fromOrt(value as OrtTensor); // the model's only output
  }

  /** Frees the sessions; they are remade when needed. */
  async release(): Promise<void> {
    const sessions = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    for (const session of sessions) if (session.status === 'fulfilled') await session.value.release();
  }
}

async function open(ort: Ort, provider: Device['name'], { type, dims }: OrtTensor): Promise<InferenceSession> {
  const { encodeModel, GraphBuilder } = await import('@forja/core/onnx');
  const graph = new GraphBuilder();
  const sizes = dims.map((_, i) => `d${i}`);
  graph.output('value', graph.op('Identity', [graph.input('handed', dtypeOf(type, 'output'), sizes)]));
  return ort.InferenceSession.create(encodeModel(graph.build()), {
    executionProviders: [provider],
    logSeverityLevel: 3,
  });
}
