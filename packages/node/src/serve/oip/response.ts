// Converts outputs to an inference response. Large ones are written in pieces between other work, because formatting a
// million numbers takes a while.
import { sizeOf, type NamedTensors, type Tensor, type TypedArray } from '@forja/core';
import { setImmediate } from 'node:timers/promises';
import { RequestError } from '../errors.js';
import { DATATYPE } from './datatypes.js';
import type { InferRequest } from './request.js';

/** Numbers per piece. */
const PIECE = 8192;

/** The response to a request. Throws `request.acceptable` for numbers that JSON cannot represent. */
export function inferResponse(
  head: { model_name: string; model_version: string },
  { id, outputs, binary }: InferRequest,
  tensors: NamedTensors,
): Response {
  const wanted = outputs ?? Object.keys(tensors).map((name) => ({ name, binary }));
  // the session refuses unknown names
  const given = wanted.flatMap(({ name, binary }) => (tensors[name] ? [{ name, binary, tensor: tensors[name] }] : []));
  for (const one of given) if (!one.binary) checkJson(one.name, one.tensor);
  const json = textOf({ ...head, ...(id === undefined ? {} : { id }) }, given);
  const bytes = given.filter((one) => one.binary).map(({ tensor }) => bytesOf(tensor));
  if (bytes.length > 0) {
    const header = Buffer.from([...json].join(''));
    return response(Buffer.concat([header, ...bytes]), {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(header.length),
    });
  }
  const numbers = given.reduce((sum, { tensor }) => sum + sizeOf(tensor.shape), 0);
  const headers = { 'content-type': 'application/json' };
  return numbers <= PIECE
    ? response(Buffer.from([...json].join('')), headers)
    : new Response(streamOf(json), { headers });
}

function response(bytes: Buffer, headers: Record<string, string>): Response {
  return new Response(new Uint8Array(bytes), { headers: { ...headers, 'content-length': String(bytes.length) } });
}

interface RequestedOutput {
  name: string;
  binary: boolean;
  tensor: Tensor;
}

function* textOf(head: Record<string, string>, given: readonly RequestedOutput[]): Generator<string, void> {
  yield `${JSON.stringify(head).slice(0, -1)},"outputs":[`;
  for (const [i, { name, binary, tensor }] of given.entries()) {
    const { dtype, shape } = tensor;
    const size = binary ? { parameters: { binary_data_size: bytesOf(tensor).length } } : {};
    yield `${i > 0 ? ',' : ''}${JSON.stringify({ name, datatype: DATATYPE[dtype], shape, ...size }).slice(0, -1)}`;
    if (!binary) {
      const data = valuesOf(tensor);
      yield ',"data":[';
      for (let at = 0; at < data.length; at += PIECE) {
        const piece = data.subarray(at, at + PIECE);
        if (at > 0) yield ',';
        // The cast: bool data is in a Uint8Array.
        yield dtype === 'bool' ? Array.from(piece as Uint8Array, Boolean).join(',') : piece.join(',');
      }
      yield ']';
    }
    yield '}';
  }
  yield ']}';
}

function streamOf(parts: Iterator<string, void>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      await setImmediate();
      const { done, value } = parts.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}

function checkJson(name: string, { dtype, data }: Tensor): void {
  // the cast: float32 data is in a Float32Array (tensor.ts)
  const fits = dtype === 'float16' ? false : dtype === 'float32' ? (data as Float32Array).every(Number.isFinite) : true;
  if (!fits)
    throw new RequestError(
      'request.acceptable',
      `infer.outputs.${name}: expected numbers that JSON can carry, got ` +
        `${dtype === 'float16' ? 'FP16' : 'NaN or an infinity'}; ask for binary data`,
    );
}

function valuesOf({ data }: Tensor): TypedArray {
  return data as TypedArray; // tensor.ts: data is the typed array of its dtype
}

function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
