/** Waiting in the middle of a run. */

/** Until `pause` ends or the run is stopped. */
export async function pausedUntil(pause: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return pause;
  if (signal.aborted) return;
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal.addEventListener("abort", stop);
  await Promise.race([pause, stopped]);
  signal.removeEventListener("abort", stop);
}
