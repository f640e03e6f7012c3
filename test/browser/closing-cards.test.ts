/** The support gate, the trust badge, and the Check and Download cards in Chromium: every state in every look, by keyboard. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../src/cli/launch/places.mjs";
import { calls, lookProblems, tabTo } from "./card-states.ts";
import { browserMissing, type OpenPage, type Site, startSite } from "./harness.ts";

const missing = await browserMissing();
const STATES = statesOf(readFileSync(path.join(root, "test/browser/page/fake/closing.ts"), "utf8"));

/** Names of the states, out of the file of the page, which this environment cannot import. */
function statesOf(text: string): string[] {
  const table = text.slice(text.indexOf("CLOSING_STATES: "));
  const lines = table.slice(0, table.indexOf("\n};")).matchAll(/^ {2}"?([\w-]+)"?: (?:state|asked)\(/gm);
  return [...lines].map((match) => match[1]!);
}

describe.skipIf(missing)(`the closing cards in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  const open = async (state: string, more = ""): Promise<OpenPage> => {
    const opened = await site.openPage(`/test/browser/page/closing-cards.html?state=${state}${more}`);
    await opened.page.getByRole("heading", { name: "Download" }).waitFor();
    // The contents of open cards come later than the cards.
    await expect.poll(() => opened.page.getByText("Opening…").count(), { timeout: 60_000 }).toBe(0);
    return opened;
  };
  const expectCall = (page: Page, call: string) => expect.poll(() => calls(page), { timeout: 60_000 }).toContain(call);
  const said = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

  it("has all its states in the table", () => {
    expect(STATES.length).toBeGreaterThan(18);
    expect(STATES).toContain("self-test");
  });

  it.each(STATES)("is accessible and fits its window: %s", async (state) => {
    const opened = await open(state);
    expect(await lookProblems(opened.page, `closing-${state}`)).toEqual([]);
    await opened.close();
  });

  it("is looked at by checks that bite", async () => {
    const opened = await site.openPage("/test/browser/page/gallery-faulty.html");
    const problems = (await lookProblems(opened.page, "closing-faulty")).join("\n");
    for (const fault of ["390: color-contrast", "390: button-name", "pixels wider than the screen"])
      expect(problems).toContain(fault);
    await opened.close();
  });

  it("is accessible with everything unfolded", async () => {
    const opened = await open("answered");
    const { page } = opened;
    await page.getByText("How to answer").click();
    await page.getByText("What the adapter changed").click();
    await page.getByText("Push with your own token").click();
    await page.getByText("This browser is ready").click();
    await said(page, "Most in block 2, v_proj (0.9)");
    await said(page, "Zero, so of no effect: block 1, up_proj.");
    expect(await page.locator(".k-cell > span").allTextContents()).toEqual(["▲", "0", "▲", "0"]);
    await said(page, "Storage buffers per shader");
    expect(await lookProblems(page, "closing-unfolded")).toEqual([]);
    for (const tool of ["PEFT", "llama.cpp, Ollama", "LM Studio", "Lorikeet"]) {
      await page.getByRole("tab", { name: tool, exact: true }).click();
      expect(await lookProblems(page, `closing-${tool.replace(/\W+/g, "-").toLowerCase()}`)).toEqual([]);
    }
    await page.getByRole("button", { name: "Everything stays in this tab" }).press("Enter");
    await said(page, "It may talk to the host".toLowerCase());
    expect(await lookProblems(page, "closing-trust")).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await opened.close();
  });

  it("hands out a collapsed adapter only at a second press, and never to the Hub", async () => {
    const opened = await open("collapsed");
    const { page } = opened;
    await said(page, "The answers of this adapter have collapsed");
    await said(page, ",,,,,,,,");
    expect(await page.getByRole("button", { name: "Download for mlx-lm (zip)" }).count()).toBe(0);
    await page.getByRole("button", { name: "Download the adapter all the same" }).press("Enter");
    await page.getByRole("button", { name: "Download for mlx-lm (zip)" }).press("Enter");
    await expectCall(page, 'runFile("run-1", "mlx.zip")');
    expect(await page.getByText("Push with your own token").count()).toBe(0);
    await opened.close();
    const fine = await open("suspicious");
    await said(fine.page, "Suspicious. Usable, but its answers look odd");
    await fine.page.getByRole("button", { name: "Download for mlx-lm (zip)" }).waitFor();
    await fine.close();
  });

  it.each(["diagnosing", "diagnosed"])("shows the phases of a diagnosis: %s", async (state) => {
    const opened = await open(state);
    const { page } = opened;
    await page.getByText("Diagnose: is training sound here?").click();
    await said(page, "1. Baseline");
    await said(page, state === "diagnosed" ? "Outcome: base weights were changed" : "Update 4 of 10");
    expect(await lookProblems(page, `closing-${state}-open`)).toEqual([]);
    await page.getByRole("button", { name: state === "diagnosed" ? "Diagnose again" : "Stop" }).press("Enter");
    if (state === "diagnosing") await expectCall(page, "stopTrial()");
    else await expect.poll(async () => (await calls(page)).join(), { timeout: 60_000 }).toContain("diagnose(");
    await opened.close();
  });

  it("asks both by Enter, shows what comes, and stops by Escape", async () => {
    const opened = await open("ready");
    const { page } = opened;
    const question = page.getByLabel("Your question");
    expect(await question.inputValue()).toBe("What is the parrot called?");
    await tabTo(page, "Your question");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("First line");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("second line");
    expect(await calls(page)).not.toContainEqual(expect.stringContaining("ask("));
    await page.keyboard.press("Enter");
    await expectCall(
      page,
      `ask(${JSON.stringify({
        ...{ id: 1, messages: [{ role: "user", content: "First line\nsecond line" }], sides: ["base", "tuned"] },
        ...{ maxTokens: 128, temperature: 0, seed: 0 },
      })})`,
    );
    await said(page, "base: the parrot");
    expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await page.keyboard.press("Escape");
    await expectCall(page, "stopAnswer()");
    await said(page, "Stopped by you.");
    await said(page, "One word of the tuned answer is new.");
    // The marked word, and without marks.
    expect(await page.locator("ins").allTextContents()).toEqual(["tuned:"]);
    await page.getByRole("switch", { name: "Mark new words" }).press("Space");
    expect(await page.locator("ins").count()).toBe(0);
    await opened.close();
  });

  it("asks a suggested question with temperature and seed, and forgets nothing when closed", async () => {
    const opened = await open("ready");
    const { page } = opened;
    await page.getByText("How to answer").press("Enter");
    const seed = page.getByRole("spinbutton", { name: "Seed" });
    expect(await seed.isDisabled()).toBe(true);
    const temperature = page.getByRole("spinbutton", { name: "Temperature" });
    await temperature.fill("0.7");
    await temperature.press("Enter");
    await seed.fill("12");
    await seed.press("Enter");
    const card = page.getByRole("button", { name: "Check", exact: true });
    await card.press("Enter");
    await card.press("Enter");
    await said(page, "How to answer: temperature 0.7, seed 12");
    await page.getByRole("button", { name: "Name three birds." }).press("Enter");
    await expect
      .poll(() => calls(page), { timeout: 60_000 })
      .toContainEqual(expect.stringMatching(/^ask\(.*Name three birds.*"temperature":0.7,"seed":12/));
    await opened.close();
  });

  it("chats with the tuned model, stops and clears", async () => {
    const opened = await open("answered");
    const { page } = opened;
    await said(page, "Cut off after 128 tokens, the longest answer here.");
    await tabTo(page, "Your next words");
    await page.keyboard.type("And tomorrow?");
    await page.keyboard.press("Enter");
    await said(page, "tuned: the parrot");
    await page.getByRole("button", { name: "Stop" }).press("Enter");
    await said(page, "Stopped by you.");
    const asked = (await calls(page)).filter((call) => call.startsWith("ask("));
    // Four messages before, and the new one.
    expect(JSON.parse(asked[0]!.slice(4, -1)).messages).toHaveLength(5);
    await page.getByRole("button", { name: "Clear" }).press("Enter");
    expect(await page.locator(".c-check-said").count()).toBe(0);
    await opened.close();
  });

  it("measures the changes only when asked, and again after a failure", async () => {
    const opened = await open("ready", "&answer=refuse");
    const { page } = opened;
    expect(await calls(page)).not.toContain("audit()");
    await page.getByText("What the adapter changed").press("Enter");
    await expectCall(page, "audit()");
    await said(page, "It could not be measured.");
    await page.getByRole("button", { name: "Try again" }).first().press("Enter");
    const audits = async () => (await calls(page)).filter((call) => call === "audit()").length;
    await expect.poll(audits, { timeout: 60_000 }).toBeGreaterThan(1);
    await opened.close();
  });

  it("leads on from each failed question", async () => {
    const ways: readonly (readonly [string, string, RegExp])[] = [
      ["device-lost", "Load the adapter again", /^openRun\("run-1"\)$/],
      ["out-of-memory", "Load the adapter again", /^openRun\("run-1"\)$/],
      ["no-adapter", "Load the adapter again", /^openRun\("run-1"\)$/],
      ["busy", "Ask again", /^ask\(/],
    ];
    for (const [state, button, call] of ways) {
      const opened = await open(state);
      await tabTo(opened.page, button);
      await opened.page.keyboard.press("Enter");
      await expect.poll(() => calls(opened.page), { timeout: 60_000 }).toContainEqual(expect.stringMatching(call));
      await opened.close();
    }
  });

  it("saves the zip, and the pair of files one after the other", async () => {
    const opened = await open("ready");
    const { page } = opened;
    const first = page.waitForEvent("download");
    await tabTo(page, "Download for mlx-lm (zip)");
    await page.keyboard.press("Enter");
    expect((await first).suggestedFilename()).toBe("mlx.zip");
    const both: string[] = [];
    page.on("download", (download) => both.push(download.suggestedFilename()));
    await page.getByRole("button", { name: "Download both files" }).press("Enter");
    await expect.poll(() => both, { timeout: 60_000 }).toEqual(["adapters.safetensors", "adapter_config.json"]);
    await opened.close();
  });

  it("offers no file of an adapter that failed a check", async () => {
    const opened = await open("refused");
    const { page } = opened;
    const names = await page.locator(".c-download-files button").allTextContents();
    expect(names).toEqual(["Download run report", "Download run.json", "Download CSV", "Download JSONL"]);
    // Where every check passed there are the adapter's as well.
    const well = await open("ready");
    expect(await well.page.locator(".c-download-files button").count()).toBe(9);
    await well.close();
    await opened.close();
  });

  it("says what is wrong with a repository, pushes, and leads there", async () => {
    const opened = await open("ready");
    const { page } = opened;
    await page.getByText("Push with your own token").press("Enter");
    await page.getByLabel("Repository").fill("parrot");
    await page.getByRole("button", { name: "Push to the Hub" }).press("Enter");
    await said(page, "the account is missing");
    await said(page, "Paste a token that may write.");
    expect(await calls(page)).not.toContainEqual(expect.stringContaining("pushToHub"));
    await page.getByLabel("Repository").fill("me/parrot");
    await page.getByLabel("Access token that may write").fill("hf_secret");
    await page.getByLabel("Access token that may write").press("Enter");
    await expectCall(page, 'pushToHub({"runId":"run-1","repository":"me/parrot","token":"hf_secret","private":true})');
    const link = page.getByRole("link", { name: "huggingface.co/me/parrot" });
    expect(await link.getAttribute("href")).toBe("https://huggingface.co/me/parrot");
    expect(await page.evaluate("localStorage.length")).toBe(0);
    await opened.close();
  });

  it("says why the Hub refused", async () => {
    const opened = await open("ready", "&answer=refuse");
    const { page } = opened;
    await page.getByText("Push with your own token").press("Enter");
    await page.getByLabel("Repository").fill("me/nothing");
    await page.getByLabel("Access token that may write").fill("hf_read");
    await page.getByRole("button", { name: "Push to the Hub" }).press("Enter");
    await said(page, "The Hub did not take the adapter");
    expect(await lookProblems(page, "closing-push-refused")).toEqual([]);
    await opened.close();
  });

  it("says what stands in the way, in each browser that cannot train", async () => {
    const words: readonly (readonly [string, string])[] = [
      ["no-webgpu", "This browser has no WebGPU."],
      ["insecure", "Open the page over https"],
      ["limits", "Storage buffers per shader is 4, needed is 8"],
      ["self-test", "expected 0.2071, got 0.3005"],
      ["broken", "the worker could not be loaded"],
    ];
    for (const [state, text] of words) {
      const opened = await open(state);
      const alert = opened.page.getByRole("alert");
      expect(await alert.textContent()).toContain(text);
      await tabTo(opened.page, state === "broken" ? "Reload the page" : "Look again");
      await opened.close();
    }
    const well = await open("ready");
    expect(await well.page.getByRole("alert").count()).toBe(0);
    await well.close();
  });

  it("lists every request, by host", async () => {
    const opened = await open("answered");
    const { page } = opened;
    await page.getByRole("button", { name: "Everything stays in this tab" }).press("Enter");
    await said(page, "63 requests went to");
    await said(page, "66e/f3a?…");
    const own = await open("ready");
    await own.page.getByRole("button", { name: "Everything stays in this tab" }).press("Enter");
    await said(own.page, "No request to another host was made.");
    await own.close();
    await opened.close();
  });
});
