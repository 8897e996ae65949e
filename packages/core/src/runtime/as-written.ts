// A setting with which onnxruntime computes quantised files as ONNX defines them.

/**
 * Entries of onnxruntime's `extra.session`. Without them it rounds the activations before products with weights of a
 * DequantizeLinear to 8 bits, which the file does not say (onnxruntime 1.20 and later, CPU): pictures in [-1, 1] are
 * off by 8e-3. 1 means that products are computed in float32.
 */
export const AS_WRITTEN: Readonly<Record<string, string>> = { qdq_matmulnbits_accuracy_level: '1' };
