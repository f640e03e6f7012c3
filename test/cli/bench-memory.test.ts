/** `lorikeet bench --memory`: a table for people or JSON, without a device. */
import { expect, it } from "vitest";
import type { MemoryResult } from "../../src/cli/bench/memory.ts";
import { main } from "../../src/cli/lorikeet.ts";

async function withoutDevice(...argv: string[]): Promise<string> {
  const [out, err]: string[][] = [[], []];
  const status = await main(["bench", ...argv], {
    out: { columns: 100, write: (text: string) => void out!.push(text) },
    err: { columns: 100, write: (text: string) => void err!.push(text) },
    openDevice: () => Promise.reject(new Error("asked for a device")),
    onInterrupt: () => () => {},
    close() {},
  });
  if (status !== 0) throw new Error(err!.join(""));
  return out!.join("");
}

it("prints the same figures as text and as JSON, and its parts make the peak", async () => {
  const { rows, shown } = JSON.parse(await withoutDevice("--memory", "--json")) as MemoryResult;
  expect(rows.map(({ needs }) => needs.map(({ tokens }) => tokens))).toEqual(Array(8).fill([512, 2048, 8192]));
  for (const { needs } of rows) for (const { kept, recomputed } of needs) expect(recomputed).toBeLessThan(kept);
  for (const { parts, peakBytes } of shown.updates) {
    expect(parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(peakBytes);
  }
  const [kept, recomputed] = shown.updates;
  const { needs } = rows.find(({ model }) => model === shown.model)!;
  const need = needs.find(({ tokens }) => tokens === shown.tokens)!;
  expect([kept!.peakBytes, recomputed!.peakBytes]).toEqual([need.kept, need.recomputed]);

  const text = await withoutDevice("--memory");
  expect(text).toMatch(/^Qwen2\.5 0\.5B +\S+ GB · \S+ GB +5\.\d GB · 1\.\d GB/m);
  expect(text).toMatch(/^Kept activations +4\.\d GB +\d+ MB$/m);
});

it("is the only way to do without a device", async () => {
  await expect(withoutDevice("--repeats", "1")).rejects.toThrow("asked for a device");
});
