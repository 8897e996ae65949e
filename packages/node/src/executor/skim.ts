// Finds a few things in an ONNX file by skipping through its protobuf, without decoding it. Not a reader: @forja/core/onnx is.

/** Nodes of the top graph; 0 when the bytes cannot be followed. */
export function countNodes(model: Uint8Array): number {
  let nodes = 0;
  for (const graph of fields(model, 7)) for (const _ of fields(graph, 1)) nodes++;
  return nodes;
}

/** Locations of external data that the top graph's initializers name, each once. */
export function externalLocations(model: Uint8Array): string[] {
  const found = new Set<string>();
  for (const graph of fields(model, 7)) {
    for (const initializer of fields(graph, 5)) {
      for (const entry of fields(initializer, 13)) {
        const [key, value] = [text(entry, 1), text(entry, 2)];
        if (key === 'location' && value !== undefined) found.add(value);
      }
    }
  }
  return [...found];
}

function text(bytes: Uint8Array, field: number): string | undefined {
  for (const content of fields(bytes, field)) return new TextDecoder().decode(content);
  return undefined;
}

/** Contents of every length-delimited field `wanted`, in order; stops quietly at the first thing that is not protobuf. */
function* fields(bytes: Uint8Array, wanted: number): Generator<Uint8Array> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return NaN;
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key % 8;
    if (wire === 2) {
      const length = varint();
      if (!(at + length <= bytes.length)) return;
      if (Math.floor(key / 8) === wanted) yield bytes.subarray(at, at + length);
      at += length;
    } else if (wire === 0) varint();
    else if (wire === 5) at += 4;
    else if (wire === 1) at += 8;
    else return;
  }
}
