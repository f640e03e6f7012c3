/** Shows a page of the site in a frame of any size, also in browsers whose windows have a least width, and measures it. */
import type { Box, FramePage, Layout } from "./frame-protocol.ts";

const PAUSE_MS = 250;
/** As many equal measurements in a row, and a main part with text, count as settled. */
const STILL = 3;
const TRIES = 100;

const page: FramePage = {
  async layoutOf(address, width, height) {
    const frame = document.createElement("iframe");
    frame.width = `${width}`;
    frame.height = `${height}`;
    frame.src = address;
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
    document.body.replaceChildren(frame);
    await loaded;
    return settled(frame);
  },
};

async function settled(frame: HTMLIFrameElement): Promise<Layout> {
  let before = "";
  let still = 0;
  for (let tries = 0; tries < TRIES; tries++) {
    const layout = measure(frame);
    const now = JSON.stringify(layout);
    still = now === before && layout.text !== "" ? still + 1 : 0;
    if (still === STILL) return layout;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`the page did not settle: ${before}`);
}

function measure({ contentDocument }: HTMLIFrameElement): Layout {
  if (!contentDocument) throw new Error("the frame has no document");
  const { documentElement } = contentDocument;
  return {
    width: documentElement.clientWidth,
    overflow: documentElement.scrollWidth - documentElement.clientWidth,
    boxes: [...contentDocument.querySelectorAll<HTMLElement>("h1, main, [data-card]")].map(boxOf),
    text: contentDocument.querySelector("main")?.innerText.trim() ?? "",
  };
}

function boxOf(element: HTMLElement): Box {
  const { x, y, width, height } = element.getBoundingClientRect();
  return { name: element.dataset.card ?? element.localName, x, y, width, height };
}

Object.assign(globalThis, page);
