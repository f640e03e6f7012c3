/** What trains and what does not: every module of every layer, trained, frozen or not there. */
import { Cell, CellGrid, type GridCell } from "./cell-grid.tsx";

export type ModuleState = "trained" | "frozen" | "absent";

export interface LayerPictureProps {
  readonly title: string;
  readonly layers: number;
  /** Names of a layer's modules: "q_proj", … */
  readonly modules: readonly string[];
  readonly state: (layer: number, module: string) => ModuleState;
  /** "196 of 196 attached". */
  readonly summary: string;
}

const WORDS: Readonly<Record<ModuleState, string>> = { trained: "trained", frozen: "frozen", absent: "not there" };

/** Modules as rows, layers as columns. Trained cells are filled, frozen ones hollow, so that colour is not alone. */
export function LayerPicture({ title, layers, modules, state, summary }: LayerPictureProps) {
  const cell = (row: number, column: number): GridCell => {
    const kind = state(column, modules[row] ?? "");
    return { text: WORDS[kind], kind };
  };
  const columns = Array.from({ length: layers }, (_, layer) => String(layer));
  const legend = (
    <span className="k-cells-scale">
      <Cell cell={{ text: "", kind: "trained" }} /> trained
      <Cell cell={{ text: "", kind: "frozen" }} /> frozen
    </span>
  );
  return <CellGrid {...{ title, rows: modules, columns, cell, summary, legend }} columnWord="layer" />;
}
