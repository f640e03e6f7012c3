/** Draws on animation frames, at most a few times a second however often the data change. */

const BETWEEN_MS = 250;

export interface Redraw {
  /** The data changed. */
  ask(): void;
  stop(): void;
}

/** `draw` is called soon after `ask`, never twice within a quarter of a second. */
export function createRedraw(draw: () => void): Redraw {
  let last = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let frame: number | undefined;
  const onFrame = () => {
    frame = undefined;
    last = performance.now();
    draw();
  };
  const onTime = () => {
    timer = undefined;
    frame = requestAnimationFrame(onFrame);
  };
  return {
    ask() {
      if (timer !== undefined || frame !== undefined) return;
      timer = setTimeout(onTime, Math.max(0, last + BETWEEN_MS - performance.now()));
    },
    stop() {
      clearTimeout(timer);
      if (frame !== undefined) cancelAnimationFrame(frame);
    },
  };
}
