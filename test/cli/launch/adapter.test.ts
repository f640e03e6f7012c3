import { describe, expect, it } from "vitest";
import { type Candidate, icdFolders, listCandidates, type Machine } from "../../../src/cli/launch/candidates.mjs";
import { type AdapterInfo, describeChoice, firstThatWorks, type Probed } from "../../../src/cli/launch/vulkan.mjs";

const LAVAPIPE = "/usr/share/vulkan/icd.d/lvp_icd.json";
const NVIDIA = "/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json";
const linux: Machine = { platform: "linux", env: {}, icdFiles: [LAVAPIPE], packaged: "/cache/swiftshader" };

const info: AdapterInfo = {
  vendor: "",
  architecture: "",
  device: "",
  description: "llvmpipe",
  software: true,
  features: ["shader-f16", "subgroups"],
  maxStorageBufferBindingSize: 2 ** 27,
};
const gpu = { info: { ...info, software: false, description: "A100" } };
const software = { info };
const nothing = { reason: "no adapter" };

/** Names as tried, and the name that won, under a fake probe. */
async function choose(machine: Machine, probe: (environment: Record<string, string>) => Probed) {
  return firstThatWorks(listCandidates(machine), async (environment) => probe(environment));
}

describe("candidates", () => {
  const names = (machine: Machine) => listCandidates(machine).map(({ name }: Candidate) => name);

  it("go from a real GPU over lavapipe to the packaged SwiftShader", () => {
    expect(names(linux)).toEqual(["system", "lavapipe", "swiftshader", "system"]);
    expect(names({ ...linux, icdFiles: [], packaged: null })).toEqual(["system", "system"]);
  });

  it("leave Metal and Direct3D alone", () => {
    expect(listCandidates({ ...linux, platform: "darwin" })).toEqual([
      { name: "system", accept: "any", environments: [{}] },
    ]);
  });

  it("begin with the driver that the user chose", () => {
    const [first] = listCandidates({ ...linux, env: { VK_ICD_FILENAMES: "/my.json" } });
    expect(first?.environments[0]).toEqual({ VK_DRIVER_FILES: "/my.json", VK_ICD_FILENAMES: "/my.json" });
    // The variables hide all other drivers, so the system's are not tried under them.
    expect(names({ ...linux, env: { VK_DRIVER_FILES: "/my.json" } })).toEqual([
      "VK_DRIVER_FILES",
      "lavapipe",
      "swiftshader",
    ]);
  });

  it("shrink to what LORIKEET_VULKAN names", () => {
    const wish = (LORIKEET_VULKAN: string) => names({ ...linux, env: { LORIKEET_VULKAN } });
    expect(wish("system")).toEqual(["system"]);
    expect(wish("lavapipe")).toEqual(["lavapipe"]);
    expect(wish("swiftshader")).toEqual(["swiftshader"]);
    expect(wish("/my.json")).toEqual(["/my.json"]);
  });

  it("keep the libraries that the environment already names", () => {
    const [swiftshader] = listCandidates({
      ...linux,
      env: { LORIKEET_VULKAN: "swiftshader", LD_LIBRARY_PATH: "/mine" },
    });
    expect(swiftshader?.environments[0]?.LD_LIBRARY_PATH).toBe("/cache/swiftshader:/mine");
  });

  it("are looked for where the Vulkan loader looks, and where containers get NVIDIA's driver", () => {
    const folders = icdFolders({ HOME: "/me", XDG_DATA_DIRS: "/x:/y" });
    for (const base of ["/me/.config", "/etc", "/me/.local/share", "/x", "/y", "/usr/local/nvidia/share"]) {
      expect(folders).toContain(`${base}/vulkan/icd.d`);
    }
    expect(icdFolders({})).toContain("/usr/share/vulkan/icd.d");
  });
});

describe("the choice", () => {
  it("takes a GPU through the system's driver", async () => {
    const choice = await choose(linux, () => gpu);
    expect(choice).toMatchObject({ name: "system", environment: {}, passedOver: [] });
  });

  it("brings the loader to a machine that has a driver but no libvulkan", async () => {
    const choice = await choose(linux, (environment) => (environment.LD_LIBRARY_PATH ? gpu : nothing));
    expect(choice).toMatchObject({ name: "system", environment: { LD_LIBRARY_PATH: "/cache/swiftshader" } });
  });

  it("finds NVIDIA's driver in a container", async () => {
    const machine = { ...linux, icdFiles: [LAVAPIPE, NVIDIA] };
    const choice = await choose(machine, ({ VK_DRIVER_FILES }) => (VK_DRIVER_FILES === NVIDIA ? gpu : nothing));
    expect(choice.name).toBe("nvidia");
  });

  it("prefers lavapipe by name to software that the system offers, and says why", async () => {
    const choice = await choose(linux, () => software);
    expect(choice.name).toBe("lavapipe");
    expect(choice.environment.VK_ICD_FILENAMES).toBe(LAVAPIPE);
    expect(choice.passedOver).toEqual(["system: llvmpipe is software"]);
  });

  it("falls through a refused lavapipe to SwiftShader", async () => {
    const choice = await choose(linux, ({ VK_DRIVER_FILES }) =>
      VK_DRIVER_FILES?.includes("swiftshader") ? software : { reason: "no answer within 20 s" },
    );
    expect(choice.name).toBe("swiftshader");
    expect(choice.passedOver).toEqual(["system: no answer within 20 s", "lavapipe: no answer within 20 s"]);
  });

  it("tries a driver that hangs once, not again with another loader", async () => {
    let trials = 0;
    const choosing = choose({ ...linux, env: { LORIKEET_VULKAN: "lavapipe" } }, () => {
      trials += 1;
      return { reason: "no answer within 20 s", broken: true };
    });
    await expect(choosing).rejects.toThrow("lavapipe: no answer");
    expect(trials).toBe(1);
  });

  it("lists every reason when nothing works", async () => {
    await expect(choose(linux, () => nothing)).rejects.toThrow(/lavapipe: no adapter\n {2}swiftshader: no adapter/);
  });

  it("is told in one line, with what the adapter lacks", async () => {
    const choice = await choose(linux, () => ({ info: { ...info, features: ["subgroups"] } }));
    expect(describeChoice(choice)).toBe("adapter: llvmpipe (software, Mesa's lavapipe; without shader-f16)");
    expect(describeChoice(await choose(linux, () => gpu))).toBe("adapter: A100 (hardware)");
  });
});
