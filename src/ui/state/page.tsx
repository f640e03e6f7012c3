/** The page's store, curves and actions, for every component below. */
import { createContext, type ReactNode, useContext } from "react";
import type { Actions } from "./actions.ts";
import type { AppState } from "./app-state.ts";
import type { Curves } from "./curves.ts";
import { type Store, useStore } from "./store.ts";

export interface PageParts {
  readonly store: Store<AppState>;
  readonly curves: Curves;
  readonly actions: Actions;
}

const Parts = createContext<PageParts | null>(null);

export function PageProvider({ parts, children }: { parts: PageParts; children: ReactNode }) {
  return <Parts value={parts}>{children}</Parts>;
}

/** Actions and curves; they never change. */
export function usePage(): PageParts {
  const parts = useContext(Parts);
  if (!parts) throw new Error("a component of the page stands outside PageProvider");
  return parts;
}

/** A part of the state; renders again when it changes. `select` must return the same value for the same state. */
export function useAppState<S>(select: (state: AppState) => S): S {
  return useStore(usePage().store, select);
}
