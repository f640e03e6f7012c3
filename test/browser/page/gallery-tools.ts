/** The gallery's tools for its tests. */
import { LIVE } from "./gallery-data.ts";
import type { GalleryTools } from "./gallery-protocol.ts";

const canvasOf = (chart: string) =>
  document.querySelector<HTMLCanvasElement>(`[role=img][aria-label^="${chart}"] canvas`);

export const tools: GalleryTools = {
  showPoints: (count) => LIVE.show(count),

  drawnPixels(chart) {
    const canvas = canvasOf(chart);
    const data = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    let count = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) count++;
    return count;
  },

  picture: (chart) => canvasOf(chart)?.toDataURL() ?? "",

  drop(names) {
    const dataTransfer = new DataTransfer();
    for (const name of names) dataTransfer.items.add(new File(["{}"], name));
    document.querySelector(".k-drop")?.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
  },
};
