/** What the page can say about working without a network. Pure. */

/** null: not known yet; "never": this browser or this way of serving has no service workers. */
export type Offline = "kept" | "not-yet" | "never" | null;

/** `modelHere`: the chosen model needs no download. */
export function offlineWords(offline: Offline, modelHere: boolean): string {
  switch (offline) {
    case null:
      return "";
    case "kept":
      return modelHere
        ? "This page and its model are kept in this browser: it works without a network."
        : "This page is kept in this browser and opens without a network; the chosen model has yet to be downloaded.";
    case "not-yet":
      return "This page is not kept in this browser yet: to open it again, it needs a network. Once open, it trains without one.";
    case "never":
      return "This browser keeps no copy of the page here: to open it again, it needs a network. Once open, it trains without one.";
  }
}
