/** Who sees whom on the flat token axis, against the plain rule: a token sees its own segment up to itself. */
import { describe, expect, it } from "vitest";
import { layFlat } from "../../src/data/batches.ts";
import { type Command, Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { positionsNeeded, uploadTokens } from "../../src/train/token-batch.ts";
import { example } from "./support.ts";

function written(program: Program, tensor: Tensor): number[] {
  const isWrite = (command: Command) => command.kind === "write" && command.target === tensor;
  const found = program.commands.find(isWrite);
  if (found?.kind !== "write") throw new Error("nothing was written");
  return [...new Uint32Array(found.data.buffer, found.data.byteOffset, found.data.byteLength / 4)];
}

describe("the ranges of a flat batch", () => {
  it.each([[[1]], [[5]], [[1, 1, 1]], [[4, 1, 3]], [[2, 7, 1, 1, 6]]])(
    "of segments %j are their causal triangles, and in sliding layers the last three tokens of them",
    (sizes) => {
      const batch = layFlat(sizes.map((size) => example(Array.from({ length: size }, (_, i) => i + 1))));
      const program = new Program();
      const tokens = uploadTokens(program, batch, 3);
      const segment = sizes.flatMap((size, i) => Array.from({ length: size }, () => i));
      const sees = (query: number, key: number, window = Number.POSITIVE_INFINITY) =>
        segment[query] === segment[key] && key <= query && key > query - window;
      const all = segment.map((_, i) => i);
      const range = (members: number[]) => [members[0], members.at(-1)! + 1];
      for (const [ranges, window] of [
        [tokens.seen, Number.POSITIVE_INFINITY],
        [tokens.seenSliding!, 3],
      ] as const) {
        const queries = all.flatMap((query) => range(all.filter((key) => sees(query, key, window))));
        const keys = all.flatMap((key) => range(all.filter((query) => sees(query, key, window))));
        expect(written(program, ranges.queryRanges)).toEqual(queries);
        expect(written(program, ranges.keyRanges!)).toEqual(keys);
      }
      expect(uploadTokens(program, batch, null).seenSliding).toBeNull();
      expect(written(program, tokens.ids)).toEqual(
        sizes.flatMap((size) => Array.from({ length: size }, (_, i) => i + 1)),
      );
      expect(written(program, tokens.positions)).toEqual(
        sizes.flatMap((size) => Array.from({ length: size }, (_, i) => i)),
      );
      expect(positionsNeeded(batch.positions)).toBe(Math.max(...sizes));
    },
  );
});
