/** The list behind the trust badge: every request under its host, and words that stay true. */
import { describe, expect, it } from "vitest";
import { offlineWords } from "../../../src/ui/trust/offline-words.ts";
import {
  allowedHosts,
  groupByHost,
  pathOf,
  policyWords,
  trustLabel,
  trustWords,
  wasPushed,
} from "../../../src/ui/trust/requests.ts";
import { contentSecurityPolicy } from "../../../vite/csp.ts";

const ORIGIN = "https://page.example";
const request = (url: string, bytes: number | null = 10, count = 1) => ({ url, bytes, count });
const OWN = [request("/assets/index.js", null), request(`${ORIGIN}/demo/config.json`, 600)];
const HUB = [
  request("https://huggingface.co/org/name/resolve/main/config.json", 700),
  request("https://cdn.hf.co/repos/x?Signature=0123456789012345678901234567890123456789", 9e8, 60),
];
const PUSH = request("https://huggingface.co/api/models/me/parrot/commit/main", null);
const words = (requests: Parameters<typeof trustWords>[0]) => trustWords(requests, groupByHost(requests, ORIGIN));

describe("requests by host", () => {
  it("have the page's own files first, then the largest host", () => {
    const groups = groupByHost([...HUB, ...OWN], ORIGIN);
    expect(groups.map(({ host, own, count, bytes }) => [host, own, count, bytes])).toEqual([
      ["page.example", true, 2, 600],
      ["cdn.hf.co", false, 60, 9e8],
      ["huggingface.co", false, 1, 700],
    ]);
  });

  it("do not take another host for the page's own", () => {
    const near = [`${ORIGIN}.evil.test/x`, "http://page.example/x", "https://page.example:8443/x", "//other.test/x"];
    for (const url of near) expect(groupByHost([request(url)], ORIGIN)[0]?.own, url).toBe(false);
    expect(groupByHost([request("not a host::", null)], "nonsense")).toHaveLength(1);
  });

  it("count nothing as unknown, not as zero", () => {
    expect(groupByHost([request("/a", null)], ORIGIN)[0]?.bytes).toBeNull();
    expect(groupByHost([request("/a", null), request("/b", 5)], ORIGIN)[0]?.bytes).toBe(5);
  });

  it("are shown by their path, without long signatures", () => {
    expect(pathOf(HUB[1]!.url, ORIGIN)).toBe("/repos/x?…");
    expect(pathOf("/a%20b?v=1", ORIGIN)).toBe("/a b?v=1");
    expect(pathOf("/%E0%A4%A", ORIGIN)).toBe("/%E0%A4%A");
  });
});

describe("what the list amounts to", () => {
  it("says that no other host was asked, only when so", () => {
    expect(words([])).toBe("No request to another host was made.");
    expect(words(OWN)).toBe("No request to another host was made.");
    expect(words([...OWN, ...HUB])).toBe(
      "61 requests went to cdn.hf.co and huggingface.co, and 900 MB came back. They fetch the model by its name; your data is in none of them.",
    );
  });

  it("admits a push", () => {
    expect(trustLabel([...OWN, ...HUB])).toBe("Everything stays in this tab");
    expect(trustLabel([...OWN, PUSH])).toBe("Only what you pushed left this tab");
    expect(words([...OWN, PUSH])).toContain("You pushed an adapter");
  });

  it("knows the addresses of a push, and takes no download for one", () => {
    const pushes = [
      "https://huggingface.co/api/repos/create",
      "https://huggingface.co/api/models/me/parrot/preupload/main",
      "https://huggingface.co/me/parrot.git/info/lfs/objects/batch",
    ];
    for (const url of pushes) expect(wasPushed([request(url)]), url).toBe(true);
    const reads = [
      "https://huggingface.co/api/models/org/name/tree/main",
      "https://huggingface.co/org/commit/resolve/main/model.safetensors",
    ];
    for (const url of reads) expect(wasPushed([request(url)]), url).toBe(false);
  });
});

describe("why the list is complete", () => {
  it("names the hosts of the page's real policy", () => {
    const hosts = allowedHosts(contentSecurityPolicy("meta", "https://huggingface.co"));
    expect(hosts).toEqual(expect.arrayContaining(["huggingface.co", "*.hf.co"]));
    expect(hosts?.join(" ")).not.toContain("self");
    expect(policyWords(hosts)).toContain("huggingface.co");
    // A mirror's host is in the policy, so it is in the words.
    expect(allowedHosts(contentSecurityPolicy("meta", "http://localhost:9000"))).toContain("localhost:9000");
  });

  it("falls back to what the policy says of everything, and claims nothing without one", () => {
    expect(allowedHosts("default-src 'self'")).toEqual([]);
    expect(policyWords([])).toContain("nobody else");
    expect(allowedHosts(null)).toBeNull();
    expect(allowedHosts("img-src 'self'")).toBeNull();
    expect(policyWords(null)).toContain("without its Content-Security-Policy");
  });
});

describe("without a network", () => {
  it("promises only what is kept", () => {
    expect(offlineWords("kept", true)).toContain("works without a network");
    expect(offlineWords("kept", false)).toContain("yet to be downloaded");
    expect(offlineWords("not-yet", true)).toContain("needs a network");
    expect(offlineWords("never", true)).toContain("needs a network");
    expect(offlineWords(null, true)).toBe("");
  });
});
