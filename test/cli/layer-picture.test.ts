import { describe, expect, it } from "vitest";
import { layerPicture, type PictureLayer } from "../../src/cli/layer-picture.ts";

const layers = (key: string, values: readonly number[], first = 0): PictureLayer[] =>
  values.map((value, i) => ({ module: `model.layers.${first + i}.${key}`, value }));

describe("layerPicture", () => {
  it("draws a row for each kind and a column for each block, all on one scale", () => {
    const picture = [...layers("self_attn.q_proj", [0, 0.5, 1, 2]), ...layers("mlp.up_proj", [4, 3, 2, 1])];
    expect(layerPicture(picture, { title: "sizes", width: 80 })).toEqual([
      "sizes (· nothing, █ 4.00)",
      "q_proj   ·▂▃▅",
      "up_proj  █▇▅▃",
      "block    0  3",
    ]);
  });

  it("leaves holes where a block has no such layer, and counts from the first adapted block", () => {
    const picture = [...layers("self_attn.q_proj", [1, 1, 1], 20), ...layers("mlp.up_proj", [1], 22)];
    expect(layerPicture(picture, { title: "t", width: 80 }).slice(1)).toEqual([
      "q_proj   ███",
      "up_proj    █",
      "block    20 22",
    ]);
  });

  it("marks what is not finite, and says what the mark means", () => {
    const [title, row] = layerPicture(layers("a.b", [1, Number.NaN, Number.POSITIVE_INFINITY]), {
      title: "t",
      width: 80,
    });
    expect(title).toBe("t (· nothing, █ 1.00, ! not finite)");
    expect(row).toBe("b      █!!");
    expect(layerPicture(layers("a.b", [1, 1]), { title: "t", width: 80 })[0]).not.toContain("!");
  });

  it("goes on below where the blocks do not fit, within the width", () => {
    const values = Array.from({ length: 30 }, (_, i) => i);
    const lines = layerPicture(layers("self_attn.q_proj", values), { title: "t", width: 21 });
    expect(lines.filter((line) => line.startsWith("q_proj"))).toHaveLength(3);
    for (const line of lines.slice(1)) expect(line.length).toBeLessThanOrEqual(21);
  });

  it("takes a given height for a full bar, and the whole name where leaves would be alike", () => {
    const picture = [...layers("attn.proj", [2]), ...layers("mlp.proj", [8])];
    expect(layerPicture(picture, { title: "t", width: 80, full: 8 })).toEqual([
      "t (· nothing, █ 8.00)",
      "attn.proj  ▃",
      "mlp.proj   █",
      "block      0",
    ]);
  });

  it("is empty without layers in blocks", () => {
    expect(layerPicture([{ module: "lm_head", value: 1 }], { title: "t", width: 80 })).toEqual([]);
    // A zero adapter has a picture all the same.
    expect(layerPicture(layers("a.b", [0, 0]), { title: "t", width: 80 })[1]).toBe("b      ··");
  });
});
