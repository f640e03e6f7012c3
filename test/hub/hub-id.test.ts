/** What names a model on the Hub, and what is refused with a sentence. */
import { describe, expect, it } from "vitest";
import { LorikeetError } from "../../src/core/errors.ts";
import { parseHubId } from "../../src/hub/hub-id.ts";
import { hubSource } from "../../src/hub/huggingface.ts";

function refusal(text: string): LorikeetError {
  try {
    parseHubId(text);
  } catch (error) {
    if (error instanceof LorikeetError) return error;
    throw error;
  }
  throw new Error(`${text} was not refused`);
}

describe("accepts", () => {
  it.each([
    ["org/name", "org/name", undefined],
    ["  org/name\n", "org/name", undefined],
    ["org/name/", "org/name", undefined],
    ["Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct", undefined],
    ["a_b/c.d-e_f", "a_b/c.d-e_f", undefined],
    ["org/name@main", "org/name", "main"],
    ["org/name@main/", "org/name", "main"],
    ["org/name@refs/pr/12", "org/name", "refs/pr/12"],
    ["org/name@7ae557604adf67be50417f59c2c2f167def9a775", "org/name", "7ae557604adf67be50417f59c2c2f167def9a775"],
    ["https://huggingface.co/org/name", "org/name", undefined],
    ["http://huggingface.co/org/name/", "org/name", undefined],
    ["HTTPS://HuggingFace.co/Org/Name", "Org/Name", undefined],
    ["huggingface.co/org/name", "org/name", undefined],
    ["https://hf.co/org/name", "org/name", undefined],
    ["https://huggingface.co/org/name@v1.0", "org/name", "v1.0"],
    ["https://huggingface.co/org/name/tree/main", "org/name", "main"],
    ["https://huggingface.co/org/name/tree/refs%2Fpr%2F3", "org/name", "refs/pr/3"],
    ["https://huggingface.co/org/name/tree/refs/pr/3", "org/name", "refs/pr/3"],
    ["https://huggingface.co/org/name/blob/v2/config.json", "org/name", "v2"],
    ["https://huggingface.co/org/name/resolve/main/model.safetensors", "org/name", "main"],
    ["https://huggingface.co/org/name/commit/0a1b2c3d", "org/name", "0a1b2c3d"],
    ["org/name/tree/main", "org/name", "main"],
  ])("%j", (text, id, revision) => {
    expect(parseHubId(text)).toEqual(revision === undefined ? { id } : { id, revision });
    expect(hubSource(parseHubId(text).id).label).toBe(id);
  });
});

describe("refuses with a sentence", () => {
  it.each([
    ["", /got nothing/],
    ["   ", /got nothing/],
    ["a".repeat(400), /a text of 400 characters/],
    ["org name", /contains a blank/],
    ["org/na me", /contains a blank/],
    ["org/name\nother/name", /contains a blank/],
    ["org/../name", /contains "\.\."/],
    ["../../etc/passwd", /contains "\.\."/],
    ["org/name@../main", /contains "\.\."/],
    ["org/name?download=true", /goes on after the name/],
    ["https://huggingface.co/org/name?a=b", /goes on after the name/],
    ["https://huggingface.co/org/name#files", /goes on after the name/],
    ["https://example.org/org/name", /not an address of huggingface\.co/],
    ["https://huggingface.co.example.org/org/name", /not an address of huggingface\.co/],
    ["https://huggingface.co@example.org/org/name", /not an address of huggingface\.co/],
    ["https://user:pass@huggingface.co/org/name", /not an address of huggingface\.co/],
    ["https://huggingface.co:8443/org/name", /not an address of huggingface\.co/],
    ["ftp://huggingface.co/org/name", /not an address of huggingface\.co/],
    ["file:///etc/passwd", /not an address of huggingface\.co/],
    ["javascript://huggingface.co/org/name", /not an address of huggingface\.co/],
    ["javascript:alert(1)", /a text with "\("/],
    ["//example.org/org/name", /names no model/],
    ["https://huggingface.co", /names no model/],
    ["https://huggingface.co/", /names no model/],
    ["org//name", /names no model/],
    ["/org/name", /names no model/],
    ["org", /the owner is missing/],
    ["https://huggingface.co/models", /a list of models, not a model/],
    ["https://huggingface.co/datasets/org/name", /a data set, not a model/],
    ["https://huggingface.co/spaces/org/name", /a space, not a model/],
    ["https://huggingface.co/api/models/org/name", /interface, not a model/],
    ["https://huggingface.co/org/name/discussions/1", /"discussions" is not the model itself/],
    ["https://huggingface.co/org/name/tree/main/sub", /points into a folder/],
    ["https://huggingface.co/org/name/tree", /cannot be a branch/],
    ["https://huggingface.co/org/name/tree/%2e%2e", /cannot be a branch/],
    ["https://huggingface.co/org/name/tree/main@v1", /names two revisions/],
    ["org/name@", /nothing follows the "@"/],
    ["org/name@-rf", /cannot be a branch/],
    ["org/name@a@b", /cannot be a branch/],
    ["org/-name", /got "org\/-name"/],
    ["org/name.", /got "org\/name\."/],
    ["org/na--me", /got "org\/na--me"/],
    ["org/name.git", /got "org\/name\.git"/],
    ["org/na%20me", /got "org\/na%20me"/],
    ["org:name", /the owner is missing/],
    [`org/${"n".repeat(97)}`, /expected "org\/name"/],
    ["org/n\u0430me", /the character U\+0430/],
    ["org/name\u202E", /the character U\+202E/],
    ["org/na\u200Bme", /the character U\+200B/],
    ["org/na\u0000me", /the character U\+0000/],
    ["org\\name", /a text with "\\"/],
    ["<script>/x", /a text with "<"/],
  ])("%j", (text, message) => {
    const error = refusal(text);
    expect(error.kind).toBe("config");
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^model: expected /);
    expect(error.hint).toMatch(/\S/);
    expect(error.message.length).toBeLessThan(300);
  });

  it("names the listed model when only its owner is missing", () => {
    expect(refusal("qwen2.5-0.5b-instruct").hint).toBe('Did you mean "Qwen/Qwen2.5-0.5B-Instruct"?');
    expect(refusal("qwen2.5-0.5b").hint).toMatch(/^Copy the name/);
  });
});
