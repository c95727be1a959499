// What the page and the extension say to each other.

/** A state machine, as `counterplay/machine` answers. */
export interface Drawing {
  title: string;
  mermaid: string;
  dot: string;
}

/** To the page: a drawing, or why there is none; `keep` says that the last one is of the same playbook and stays. */
export type ToPage =
  | { kind: "drawing"; title: string; mermaid: string }
  | { kind: "trouble"; message: string; keep: boolean };

/** From the page: it can listen now, or something is to be copied. */
export type FromPage = { kind: "ready" } | { kind: "copy"; format: "mermaid" | "dot" };
