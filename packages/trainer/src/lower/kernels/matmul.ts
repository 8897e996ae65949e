// Matrix products. Two-dimensional ones become Gemm or MatMul on operands in their stored order; batched ones become
// MatMul.
import type { Value } from '@forja/core/onnx';
import type { ProductKernel } from '../../kernels/names.js';
import type { BoundCall, KernelLowering, LowerContext, Logical, Perm } from '../contract.js';
import { activate } from './fused-activation.js';
import { input, optionalInput, output } from './spatial.js';
import type { Size } from '../../program/program.js';

/** One operand of a two-dimensional product, without leading axes of size 1, and whether Gemm must transpose it. */
function matrix(value: Logical, transpose: boolean, ctx: LowerContext): { value: Value; transpose: boolean } {
  if (value.rank === 2) {
    const perm = ctx.layoutOf(value) ?? [0, 1];
    return { value: ctx.get(value, perm), transpose: transpose !== (perm[0] === 1) };
  }
  return { value: ctx.reshape(ctx.get(value), value.shape.slice(-2)), transpose };
}

function product(
  call: BoundCall,
  ctx: LowerContext,
  bias: Logical | undefined,
): { value: Value; biased: boolean; shape: readonly Size[] } {
  const [a, b, y] = [input(call, 'a', ctx), input(call, 'b', ctx), output(call, ctx)];
  const [transposeA, transposeB] = [call.attrs['transposeA'] === true, call.attrs['transposeB'] === true];
  // onnxruntime has no Gemm of integers
  const flat = [a, b].every((v) => v.dtype === 'float32' && v.shape.slice(0, -2).every((size) => size === 1));
  if (flat) {
    const [left, right] = [matrix(a, transposeA, ctx), matrix(b, transposeB, ctx)];
    const shape = y.shape.slice(-2);
    const inside = bias !== undefined && bias.shape.slice(0, -2).every((size) => size === 1) && bias.rank > 0;
    if (!inside && !left.transpose && !right.transpose)
      return { value: ctx.op('MatMul', [left.value, right.value]), biased: false, shape };
    const addend = inside ? [bias.rank <= 2 ? ctx.get(bias) : ctx.reshape(ctx.get(bias), bias.shape.slice(-2))] : [];
    const value = ctx.op('Gemm', [left.value, right.value, ...addend], {
      ...(left.transpose ? { transA: 1 } : {}),
      ...(right.transpose ? { transB: 1 } : {}),
    });
    return { value, biased: inside, shape };
  }
  // onnxruntime fuses a Transpose of the last two axes into MatMul.
  return {
    value: ctx.op('MatMul', [ctx.get(a, transposed(a, transposeA)), ctx.get(b, transposed(b, transposeB))]),
    biased: false,
    shape: y.shape,
  };
}

function transposed(value: Logical, transpose: boolean): Perm {
  const perm = value.shape.map((_, i) => i);
  return transpose ? [...perm.slice(0, -2), value.rank - 1, value.rank - 2] : perm;
}

const identity = (rank: number): Perm => Array.from({ length: rank }, (_, i) => i);

const BatchMatMul: KernelLowering<'BatchMatMul'> = (call, ctx) => {
  const y = output(call, ctx);
  const { value, shape } = product(call, ctx, undefined);
  ctx.set(y, shape.length === y.rank ? value : ctx.reshape(value, y.shape));
};

const FusedMatMul: KernelLowering<'_FusedMatMul'> = (call, ctx) => {
  const y = output(call, ctx);
  const bias = optionalInput(call, 'bias');
  const { value, biased, shape } = product(call, ctx, bias);
  const rank = shape.length;
  const place = (v: Logical): Value =>
    v.rank <= rank ? ctx.broadcast(v, rank, identity(rank)) : ctx.reshape(ctx.get(v), v.shape.slice(-rank));
  const sum = bias === undefined || biased ? value : ctx.op('Add', [value, place(bias)]);
  const result = activate(sum, call, ctx, place);
  ctx.set(y, rank === y.rank ? result : ctx.reshape(result, y.shape));
};

const Einsum: KernelLowering<'Einsum'> = (call, ctx) => {
  const equation = call.attrs['equation'];
  if (typeof equation !== 'string') return ctx.unsupported('Einsum without an equation');
  const operands = Object.values(call.inputs)
    .flat()
    .filter((v): v is Logical => v !== undefined);
  ctx.set(
    output(call, ctx),
    ctx.op(
      'Einsum',
      operands.map((v) => ctx.get(v)),
      { equation },
    ),
  );
};

/** Lowerings of the matrix products, by name. */
export const matmulKernels: Record<ProductKernel, KernelLowering> = { BatchMatMul, _FusedMatMul: FusedMatMul, Einsum };
