/**
 * Keeps the rest of the page when one part of it cannot be shown: a fault of the page's own, never of the person's data.
 * A class, since React offers nothing else for it.
 */
import { Component, type ReactNode } from "react";
import { Button } from "./button.tsx";
import { ErrorNotice } from "./notice.tsx";

export interface BoundaryProps {
  /** What is missing where it stands: "The Train card". */
  readonly part: string;
  readonly children: ReactNode;
}

/** Shows its children, or in their place what broke them. */
export class Boundary extends Component<BoundaryProps, { readonly error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { part, children } = this.props;
    const { error } = this.state;
    if (error === null) return children;
    const hint = "The rest of the page goes on. What is saved is not lost: a reload finds it again.";
    return (
      <ErrorNotice
        title={`${part} cannot be shown`}
        error={{ message: error.message, hint }}
        actions={
          <Button icon="refresh" onPress={() => location.reload()}>
            Reload the page
          </Button>
        }
      />
    );
  }
}
