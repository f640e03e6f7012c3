import { beforeAll, describe, expect, it } from "vitest";
import { type Diagnosis, type DoctorOptions, examine } from "../../src/data/doctor.ts";
import { loadTable } from "../../src/data/tables.ts";
import { loadTokenizer } from "../../src/tokenizer/load.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { folderSource } from "../tokenizer/fixtures.ts";
import { jsonl, linesOf } from "./support.ts";

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer(folderSource(new URL("../../public/demo/", import.meta.url)));
});

const OPTIONS: DoctorOptions = { maxSeqLength: 256, maskPrompt: true, vocabSize: 100_000 };
const chat = (question: string, answer: string) => ({
  messages: [
    { role: "user", content: question },
    { role: "assistant", content: answer },
  ],
});
const GOOD = chat("What is this?", "A parrot.");

/** What the doctor says about these rows with a tokenizer of one's own. */
async function diagnose(values: readonly unknown[], own: Tokenizer = tokenizer) {
  return examine({ train: await loadTable(jsonl("train.jsonl", linesOf(...values))) }, own, OPTIONS);
}

const found = ({ findings }: Diagnosis) => findings.map(({ code, line }) => [code, line]);

/** A tokenizer with another template. */
const withTemplate = (template: string): Tokenizer => ({
  ...tokenizer,
  chatTemplates: new Map([["default", template]]),
});
const PLAIN = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}";
const ASKING = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

describe("checks of an example", () => {
  it("end-not-learned: a template without an end of turn, and text without an eos", async () => {
    const endless = withTemplate(
      "{% for m in messages %}### {{ m.role }}\n{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}### assistant\n{% endif %}",
    );
    const diagnosis = await diagnose([GOOD], endless);
    expect(found(diagnosis)).toContainEqual(["end-not-learned", 1]);
    expect(diagnosis.findings.find(({ code }) => code === "end-not-learned")!.message).toMatch(
      /parrot\." and no end-of-turn token$/,
    );
    const blocks = `{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == "assistant" %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}${ASKING}`;
    expect(found(await diagnose([GOOD], withTemplate(blocks)))).toEqual([["end-not-learned", 1]]);
    const inside = blocks
      .replace("{% endgeneration %}", "<|im_end|>\n{% endgeneration %}")
      .replace("<|im_end|>\n{% endfor %}", "{% endfor %}");
    expect(found(await diagnose([GOOD], withTemplate(inside)))).toEqual([]);
    expect(found(await diagnose([{ text: "Once." }]))).toEqual([]);
    expect(found(await diagnose([{ text: "Once." }], { ...tokenizer, special: {} }))).toEqual([["end-not-learned", 1]]);
  });

  it("prompt-differs: a template that asks otherwise than it writes down", async () => {
    const turns = { messages: [...GOOD.messages, ...chat("And?", "Another.").messages] };
    expect(found(await diagnose([turns], withTemplate(PLAIN + ASKING)))).toEqual([]);
    const thinking = withTemplate(PLAIN + ASKING.replace("assistant\n", "assistant\n<think>\n"));
    const diagnosis = await diagnose([turns], thinking);
    expect(found(diagnosis)).toEqual([["prompt-differs", 1]]);
    expect(diagnosis.findings[0]!.message).toBe(
      'before answer 1, training shows "A parrot.<|im_end|>\\n<|im_start|>user\\nAnd" where asking shows "<think>\\n"',
    );
    // Only answers that are trained are asked for.
    const second = { messages: [turns.messages[0], { ...turns.messages[1], weight: 0 }, ...turns.messages.slice(2)] };
    expect((await diagnose([second], thinking)).findings[0]!.message).toMatch(/^before answer 2/);
  });
});
