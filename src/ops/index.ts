/** The table of all kernels. A kernel that is not here is not compiled by the tests, so none may be missing. */
import type { Kernel } from "../gpu/kernel.ts";
import { adamwPartialNorm, adamwTotalNorm, adamwUpdate } from "./adamw.ts";
import { addForward } from "./add.ts";
import { attentionDkv, attentionDq, attentionForward } from "./attention.ts";
import { attentionFew } from "./attention-few.ts";
import { checksumPartial, checksumTotal } from "./checksum.ts";
import { crossEntropyGradient, crossEntropyReduce } from "./cross-entropy.ts";
import { doraBackward, doraForward, doraGather, doraNorm } from "./dora.ts";
import { dropoutForward } from "./dropout.ts";
import { embeddingGather } from "./embedding.ts";
import { gluBackward, gluForward } from "./glu.ts";
import { matmulNn, matmulNt, matmulNtFew, matmulTn } from "./matmul.ts";
import { peakMultiplyAdd } from "./peak.ts";
import { rmsnormBackward, rmsnormForward } from "./rmsnorm.ts";
import { ropeRotate } from "./rope.ts";
import { rowsGather, rowsScatter } from "./rows.ts";

export const kernels: readonly Kernel[] = [
  adamwPartialNorm,
  adamwTotalNorm,
  adamwUpdate,
  addForward,
  attentionForward,
  attentionFew,
  attentionDq,
  attentionDkv,
  checksumPartial,
  checksumTotal,
  crossEntropyReduce,
  crossEntropyGradient,
  doraNorm,
  doraForward,
  doraBackward,
  doraGather,
  dropoutForward,
  embeddingGather,
  gluForward,
  gluBackward,
  matmulNt,
  matmulNtFew,
  matmulNn,
  matmulTn,
  peakMultiplyAdd,
  rmsnormForward,
  rmsnormBackward,
  ropeRotate,
  rowsGather,
  rowsScatter,
];
