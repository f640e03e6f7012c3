import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileChatTemplate, renderChat, strftime } from "../../src/tokenizer/chat-template.ts";
import { chooseChatTemplate, readChatTemplates } from "../../src/tokenizer/chat-templates.ts";
import { GOLDEN_TOKENIZERS, readGolden, sharedData } from "./fixtures.ts";

const now = new Date("2025-07-10T12:00:00Z");
const messages = [{ role: "user", content: "q" }];
const render = (source: string, more: object = {}) =>
  renderChat(compileChatTemplate(source, "test"), { messages, now, ...more });

describe.each(GOLDEN_TOKENIZERS)("%s", (name) => {
  it("renders chats, and refuses them, as transformers does", () => {
    const golden = readGolden(name);
    const config = JSON.parse(
      readFileSync(new URL(`../fixtures/tokenizers/${name}/tokenizer_config.json`, import.meta.url), "utf8"),
    );
    const template = compileChatTemplate(config.chat_template, name);
    for (const { messages, add_generation_prompt, rendered, ...chat } of golden.chat) {
      const act = () => renderChat(template, { messages, add_generation_prompt, now, ...golden.special_tokens });
      if (rendered !== undefined) expect(act()).toBe(rendered);
      else expect(act).toThrow((chat as { error?: string }).error!.replace("TemplateError: ", ""));
    }
  });
});

describe("globals", () => {
  it("tojson keeps key order and characters, and escapes no HTML", () => {
    const tools = [{ z: 1, a: "é <b> & 'x' \u2028 😀", n: null, f: 1.5, l: [true, {}] }];
    expect(render("{{ tools[0] | tojson }}", { tools })).toBe(
      '{"z": 1, "a": "é <b> & \'x\' \u2028 😀", "n": null, "f": 1.5, "l": [true, {}]}',
    );
    expect(render("{{ tools | tojson(indent=2) }}", { tools: [{ a: [1] }] })).toBe(
      '[\n  {\n    "a": [\n      1\n    ]\n  }\n]',
    );
  });

  it("strftime_now tells the caller's date, in UTC", () => {
    expect(render("{{ strftime_now('%d %b %Y') }}")).toBe("10 Jul 2025");
    expect(strftime(new Date("2025-01-05T03:04:09Z"), "%A %a %B %-d %H:%M:%S %I%p %y %m %% %Q")).toBe(
      "Sunday Sun January 5 03:04:09 03AM 25 01 % %Q",
    );
  });

  it("absent tools are none, and variables of the record are there", () => {
    expect(render("{{ tools is none }}{{ tools is defined }}{{ bos_token is defined }}")).toBe("truetruefalse");
    expect(render("{{ enable_thinking }}", { variables: { enable_thinking: false } })).toBe("false");
    expect(render("{{ add_generation_prompt }}", { variables: { add_generation_prompt: true } })).toBe("false");
  });

  it("trims and strips blocks as transformers does", () => {
    expect(render("a\n  {% if true %}\n  b\n  {% endif %}\nc\n")).toBe("a\n  b\nc");
  });
});

describe("generation blocks", () => {
  const marks = { begin: "«", end: "»" };
  const both = (source: string) => {
    const template = compileChatTemplate(source, "test");
    return [renderChat(template, { messages, now }), renderChat(template, { messages, now }, marks)];
  };

  it("print nothing, and marks on demand, with the white space that tags leave", () => {
    expect(both("a{% generation %}b{% endgeneration %}c")).toEqual(["abc", "a«b»c"]);
    expect(both("a\n  {% generation %}\nb\n  {% endgeneration %}\nc")).toEqual(["a\nb\nc", "a\n«b\n»c"]);
    expect(both("a \n {%- generation -%} \n b \n {%- endgeneration -%} \n c")).toEqual(["abc", "a«b»c"]);
  });
});

describe("errors", () => {
  it("of syntax are FormatErrors", () => {
    for (const source of ["{% if %}", "{{ 'a }}", "{% nonsense %}", "{% for x in y %}"]) {
      expect(() => compileChatTemplate(source, "my-model")).toThrow(expect.objectContaining({ kind: "format" }));
      expect(() => compileChatTemplate(source, "my-model")).toThrow(/^my-model: chat template: /);
    }
  });

  it("of rendering are DataErrors with the template's reason", () => {
    expect(() => render("{{ raise_exception('roles must alternate') }}")).toThrow("roles must alternate");
    expect(() => render("{{ nothing.at.all() }}")).toThrow(expect.objectContaining({ kind: "data" }));
  });

  const hostile: [string, string][] = [
    ["loops", "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}"],
    ["a long list", "{{ range(1000000000) }}"],
    ["doubling", "{% set n = namespace(x='xxxxxxxx') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}"],
    ["growing output", `{% for i in range(90000) %}${"x".repeat(1000)}{% endfor %}`],
    ["recursion", "{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}"],
    ["deep nesting", `{{ ${"(".repeat(20_000)}1${")".repeat(20_000)} }}`],
  ];
  it.each(hostile)("end a template of %s", (_, source) => {
    expect(() => render(source)).toThrow(
      expect.objectContaining({ name: expect.stringMatching(/^(Data|Format)Error$/) }),
    );
  });
});

describe("named templates", () => {
  it("are read from a text, a list or an object, and chosen by tools", () => {
    const list = [
      { name: "default", template: "d" },
      { name: "tool_use", template: "t" },
    ];
    for (const chat_template of [list, { default: "d", tool_use: "t" }]) {
      const templates = readChatTemplates({ chat_template }, "x");
      expect(chooseChatTemplate(templates, false)).toBe("d");
      expect(chooseChatTemplate(templates, true)).toBe("t");
    }
    expect(chooseChatTemplate(readChatTemplates({ chat_template: "d" }, "x"), true)).toBe("d");
    expect(chooseChatTemplate(readChatTemplates({ chat_template: { rag: "r" } }, "x"), false)).toBe("r");
    expect(chooseChatTemplate(readChatTemplates({}, "x"), false)).toBeUndefined();
    expect(() => readChatTemplates({ chat_template: [{ name: "a" }] }, "x")).toThrow(/chat_template: expected/);
  });
});

const vectors = new URL("vectors/hfjs_jinja_e2e.json", sharedData);

describe.skipIf(!existsSync(vectors))("templates of 53 models (shared data)", () => {
  // Its template asks whether add_generation_prompt is defined; transformers always defines it.
  const OTHER_CONTEXT = ["ai21labs/AI21-Jamba-Large-1.6"];
  it("render as recorded", () => {
    const all = JSON.parse(readFileSync(vectors, "utf8"));
    const cases = Object.entries({ ...all.default_templates, ...all.custom_templates });
    expect(cases.length).toBeGreaterThan(50);
    for (const [name, value] of cases) {
      const { chat_template, target, data } = value as { chat_template: string; target: string; data: object };
      if (OTHER_CONTEXT.includes(name)) continue;
      const { messages, tools, add_generation_prompt, ...variables } = data as {
        messages: [];
        tools?: [];
        add_generation_prompt?: boolean;
      };
      const context = { messages, tools, add_generation_prompt: add_generation_prompt ?? false, variables, now };
      expect(renderChat(compileChatTemplate(chat_template, name), context), name).toBe(target);
    }
  });
});
