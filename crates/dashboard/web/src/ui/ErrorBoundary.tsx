/** Keeps a fault of one panel from taking the page with it. */
import { Component, type ReactNode } from "react";
import { ErrorNote } from "./ErrorNote";

export class ErrorBoundary extends Component<{ children: ReactNode }, { fault: unknown }> {
  override state: { fault: unknown } = { fault: null };

  static getDerivedStateFromError(fault: unknown): { fault: unknown } {
    return { fault };
  }

  override render(): ReactNode {
    if (this.state.fault === null) {
      return this.props.children;
    }
    return <ErrorNote error={new Error("This part of the page failed.")} onRetry={() => this.setState({ fault: null })} />;
  }
}
