// Messages with drawings in, drawings on the page out. Runs inside of the webview, in the editor's colours.

import mermaid from "mermaid";
import type { FromPage, ToPage } from "./messages";

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const editor = acquireVsCodeApi();
const drawing = document.getElementById("drawing")!;
const trouble = document.getElementById("trouble")!;
const title = document.getElementById("title")!;

let source: string | undefined;
let zoom: number | undefined;
let count = 0;
let queue: Promise<void> = Promise.resolve();

function setUp(): void {
  const style = getComputedStyle(document.body);
  const colour = (name: string, otherwise: string) => style.getPropertyValue(name).trim() || otherwise;
  const dark = document.body.matches(".vscode-dark, .vscode-high-contrast:not(.vscode-high-contrast-light)");
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    // Mermaid 12 prefers ELK, which is not bundled: its licence is not permissive, and it is large.
    layout: "dagre",
    theme: "base",
    // The mouth of an arrow, its label and the page are the editor's; nodes bring colours of their own.
    themeVariables: {
      darkMode: dark,
      background: colour("--vscode-editor-background", dark ? "#1f1f1f" : "#ffffff"),
      lineColor: colour("--vscode-descriptionForeground", dark ? "#9d9d9d" : "#5f5f5f"),
      textColor: colour("--vscode-editor-foreground", dark ? "#cccccc" : "#3b3b3b"),
      edgeLabelBackground: colour("--vscode-editor-background", dark ? "#1f1f1f" : "#ffffff"),
      fontFamily: colour("--vscode-font-family", "system-ui, sans-serif"),
      fontSize: "13px",
    },
    flowchart: { htmlLabels: false, useMaxWidth: false, curve: "basis", nodeSpacing: 36, rankSpacing: 44, padding: 10, wrappingWidth: 260 },
  });
}

async function draw(): Promise<void> {
  if (source === undefined) {
    return;
  }
  setUp();
  count += 1;
  const { svg } = await mermaid.render(`machine-${count}`, source);
  // Taken back while it was drawn.
  if (source === undefined) {
    return;
  }
  // Made by Mermaid, which cleans what it is given (`strict`); the policy lets no script in it run.
  drawing.innerHTML = svg;
  resize();
}

/** Draws in turn: Mermaid keeps one drawing in mind at a time. */
function drawSoon(): void {
  queue = queue.then(draw).catch((error: unknown) => {
    // What Mermaid left behind is taken away.
    document.getElementById(`dmachine-${count}`)?.remove();
    say(`The drawing failed: ${error instanceof Error ? error.message : String(error)}`);
  });
}

function say(message: string | undefined): void {
  trouble.hidden = message === undefined;
  trouble.textContent = message ?? "";
  drawing.classList.toggle("outdated", message !== undefined);
}

const picture = () => drawing.querySelector("svg");

/** The drawing's own width, and how much of it the page shows. */
function scale(): number {
  const width = picture()?.viewBox.baseVal.width ?? 1;
  return zoom ?? Math.min(1, Math.max(0.35, (drawing.clientWidth - 32) / width));
}

function resize(): void {
  const svg = picture();
  if (svg) {
    const by = scale();
    svg.setAttribute("width", String(svg.viewBox.baseVal.width * by));
    svg.setAttribute("height", String(svg.viewBox.baseVal.height * by));
  }
}

function zoomBy(factor: number): void {
  zoom = Math.min(4, Math.max(0.2, scale() * factor));
  resize();
}

function onClick(id: string, action: () => void): void {
  document.getElementById(id)!.addEventListener("click", action);
}

onClick("smaller", () => zoomBy(1 / 1.2));
onClick("larger", () => zoomBy(1.2));
onClick("fit", () => {
  zoom = undefined;
  resize();
});
onClick("copy-mermaid", () => editor.postMessage({ kind: "copy", format: "mermaid" }));
onClick("copy-dot", () => editor.postMessage({ kind: "copy", format: "dot" }));
drawing.addEventListener("wheel", (event) => {
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    zoomBy(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }
}, { passive: false });
window.addEventListener("resize", resize);

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
  if (data.kind === "trouble") {
    say(data.message);
    if (!data.keep) {
      source = undefined;
      drawing.replaceChildren();
    }
    return;
  }
  say(undefined);
  title.textContent = data.title;
  source = data.mermaid;
  drawSoon();
});

// The editor changes its theme by changing the body's classes and the root's variables.
new MutationObserver(drawSoon).observe(document.body, { attributes: true, attributeFilter: ["class", "data-vscode-theme-id"] });

editor.postMessage({ kind: "ready" });
