/** What the gallery's tests ask of the page from inside. */
export interface GalleryTools {
  /** Shows only so many points of the stage's raw loss. */
  showPoints(count: number): void;
  /** How many pixels of a chart are not empty. */
  drawnPixels(chart: string): number;
  /** A chart's picture, to compare. */
  picture(chart: string): string;
  /** Drops files of these names on the file drop. */
  drop(names: readonly string[]): void;
}
