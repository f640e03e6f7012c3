/** The Model card in Chromium: every state in every look, and the way through it by keyboard alone. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../src/cli/launch/places.mjs";
import { calls, lookProblems, tabTo } from "./card-states.ts";
import { browserMissing, type OpenPage, type Site, startSite } from "./harness.ts";

const missing = await browserMissing();
const STATES = statesOf("model");

/** Names of the states, out of the file of the page, which this environment cannot import. */
function statesOf(card: string): string[] {
  const text = readFileSync(path.join(root, "test/browser/page/fake", `${card}.ts`), "utf8");
  const table = text.slice(text.indexOf("_STATES: "));
  return [...table.slice(0, table.indexOf("\n};")).matchAll(/^ {2}"?([\w-]+)"?: (?:state|failed)\(/gm)].map(
    (match) => match[1]!,
  );
}

describe.skipIf(missing)(`the Model card in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  const open = async (state: string): Promise<OpenPage> => {
    const opened = await site.openPage(`/test/browser/page/model-card.html?state=${state}`);
    await opened.page.getByRole("heading", { name: "Model", exact: true }).waitFor();
    if (state !== "closed") await opened.page.getByText("Where the model comes from").waitFor();
    return opened;
  };
  const expectCall = ({ page }: OpenPage, call: string) =>
    expect.poll(() => calls(page), { timeout: 60_000 }).toContain(call);

  it("has all its states in the table", () => {
    expect(STATES.length).toBeGreaterThan(18);
    expect(STATES).toContain("device-lost");
  });

  it.each(STATES)("is accessible and fits its window: %s", async (state) => {
    const opened = await open(state);
    expect(await lookProblems(opened.page, `model-${state}`)).toEqual([]);
    await opened.close();
  });

  it("is looked at by checks that bite", async () => {
    const opened = await site.openPage("/test/browser/page/gallery-faulty.html");
    const problems = (await lookProblems(opened.page, "faulty")).join("\n");
    for (const fault of ["390: color-contrast", "390: button-name", "pixels wider than the screen"])
      expect(problems).toContain(fault);
    await opened.close();
  });

  it("is accessible with every panel and the question before deleting", async () => {
    const opened = await open("demo");
    const { page } = opened;
    for (const source of ["Folder", "Hub id", "Catalogue"]) {
      await page.getByRole("radio", { name: source }).check();
      expect(await lookProblems(page, `model-panel-${source.replace(" ", "-").toLowerCase()}`)).toEqual([]);
    }
    await page.getByText("8 models do not fit here").click();
    expect(await page.getByText("Set the memory above").isVisible()).toBe(true);
    expect(await lookProblems(page, "model-others")).toEqual([]);
    await page.getByRole("radio", { name: "Llama 3.2 1B" }).check();
    await page.getByText("Models kept in this browser").click();
    expect(await lookProblems(page, "model-picked-gated")).toEqual([]);
    await page.getByRole("button", { name: "Delete my-model" }).click();
    await page.getByRole("dialog", { name: "Delete my-model?" }).waitFor();
    expect(await lookProblems(page, "model-delete")).toEqual([]);
    await opened.close();
  });

  it("takes a model from the catalogue by keyboard, and shows it where the focus is", async () => {
    const opened = await open("demo");
    const { page } = opened;
    await tabTo(page, "demo");
    await page.keyboard.press("ArrowDown");
    await tabTo(page, "Memory of this computer");
    await page.keyboard.press("3"); // typed as in any select: 32 GB
    await expectCall(opened, "catalogue(32)");
    await tabTo(page, "SmolLM2");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowDown");
    await tabTo(page, "Use SmolLM2 360M");
    await page.keyboard.press("Enter");
    await expectCall(opened, 'chooseModel({"kind":"hub","id":"HuggingFaceTB/SmolLM2-360M-Instruct"}, {})');
    expect(await page.evaluate("document.activeElement.className")).toBe("c-model-outcome");
    await opened.close();
  });

  it("looks up a name with its token, which goes to the engine and not into storage", async () => {
    const opened = await open("not-found");
    const { page } = opened;
    await page.getByRole("button", { name: "Change the name" }).press("Enter");
    await expect.poll(() => page.evaluate("document.activeElement.value"), { timeout: 60_000 }).toBe("qwen/nothing");
    await page.getByLabel("Name or address").fill("org/name");
    await page.getByText("Access token, for gated").press("Enter");
    await page.getByLabel("Access token").fill(" hf_secret ");
    await page.getByLabel("Name or address").press("Enter");
    await expectCall(opened, 'chooseModel({"kind":"hub","id":"org/name"}, {"token":"hf_secret"})');
    expect(await page.evaluate("localStorage.length")).toBe(0);
    await page.getByRole("switch", { name: "Keep it in this browser" }).press("Space");
    expect(await page.evaluate("localStorage.getItem('lorikeet.hub-token')")).toBe("hf_secret");
    await page.getByRole("button", { name: "Forget the token" }).press("Enter");
    expect(await page.evaluate("localStorage.length")).toBe(0);
    await opened.close();
  });

  it("leads on from each failure", async () => {
    const ways: readonly (readonly [string, string, string])[] = [
      ["offline", "Try again", "loadModel()"],
      ["device-lost", "Try again", "loadModel()"],
      [
        "too-large",
        "Use Mistral 7B v0.3, 4 bits, which fits",
        'chooseModel({"kind":"hub","id":"mlx-community/Mistral-7B-Instruct-v0.3-4bit"}, {})',
      ],
      ["paused", "Resume", "loadModel()"],
      ["loading", "Pause", "pauseDownload()"],
      ["known", "Download and load, 995 MB", "loadModel()"],
    ];
    for (const [state, button, call] of ways) {
      const opened = await open(state);
      await opened.page.getByRole("button", { name: button }).press("Enter");
      await expectCall(opened, call);
      await opened.close();
    }
  });

  it("puts the focus on the token where one is asked for, and on the kept models where room is", async () => {
    const gated = await open("gated");
    await expect
      .poll(() => gated.page.evaluate("document.activeElement.placeholder"), { timeout: 60_000 })
      .toBe("hf_…");
    await gated.close();
    const full = await open("storage-full");
    await full.page.getByRole("button", { name: "Free space" }).press("Enter");
    await full.page.getByRole("button", { name: "Delete my-model" }).press("Enter");
    await full.page.getByRole("dialog").getByRole("button", { name: "Delete" }).press("Enter");
    await expectCall(full, 'forgetModel("folder:my-model")');
    await full.close();
  });

  it("takes a dropped folder, and nothing while a run is on", async () => {
    const opened = await open("folder");
    const { page } = opened;
    await page
      .locator("input[type=file]")
      .first()
      .setInputFiles([{ name: "config.json", mimeType: "application/json", buffer: Buffer.from("{}") }]);
    await expect
      .poll(async () => (await calls(page)).join(), { timeout: 60_000 })
      .toContain('{"kind":"folder","name":"Dropped files"}');
    await opened.close();
    const running = await open("running");
    await running.page.getByText("A run is using this model.").waitFor();
    expect(await running.page.getByRole("radio", { name: "Catalogue" }).isDisabled()).toBe(true);
    await running.close();
  });
});
