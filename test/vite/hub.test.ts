import { expect, it } from "vitest";
import { HUB, hubAddress } from "../../vite/hub.ts";

it("is huggingface.co unless LORIKEET_HUB names a mirror", () => {
  expect(hubAddress({})).toBe(HUB);
  expect(hubAddress({ LORIKEET_HUB: "" })).toBe(HUB);
  expect(hubAddress({ LORIKEET_HUB: "https://mirror.example/hub/" })).toBe("https://mirror.example/hub");
});

it.each(["mirror.example", "ftp://mirror.example", "https://", "; script-src *"])("refuses %s", (wish) => {
  expect(() => hubAddress({ LORIKEET_HUB: wish })).toThrow(`LORIKEET_HUB: expected an address such as ${HUB}`);
});
