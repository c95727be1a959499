// A place in a playbook in, its state machine beside the editor out, drawn anew when the text changes.

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { Server } from "../server";
import type { Drawing, FromPage, ToPage } from "./messages";
import { page } from "./page";
import { follow, type Position } from "./place";

/** How long nothing is typed before it is drawn anew. */
const REST_MS = 300;
/** The protocol's codes for an answer that came too late: another is on its way. */
const OUTDATED = [-32800, -32801, -32802];

export class MachinePanel implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private shown: { uri: vscode.Uri; place: Position } | undefined;
  private drawing: Drawing | undefined;
  private last: ToPage | undefined;
  private ready = false;
  private turn = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly changes: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly server: Pick<Server, "ask">,
  ) {
    this.changes = vscode.workspace.onDidChangeTextDocument((event) => this.changed(event));
  }

  /** Shows the machine of the playbook in which the cursor stands. */
  async show(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.languageId !== "counterplay") {
      void vscode.window.showInformationMessage("Counterplay: open a .play file and put the cursor into a playbook.");
      return;
    }
    const { line, character } = editor.selection.active;
    this.shown = { uri: editor.document.uri, place: { line, character } };
    this.drawing = undefined;
    this.last = undefined;
    if (this.panel) {
      this.panel.reveal(undefined, true);
    } else {
      this.open();
    }
    await this.draw();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.changes.dispose();
    this.panel?.dispose();
  }

  private open(): void {
    const dist = vscode.Uri.joinPath(this.extension, "dist");
    const panel = vscode.window.createWebviewPanel(
      "counterplay.machine",
      "State machine",
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: true, localResourceRoots: [dist] },
    );
    this.panel = panel;
    this.ready = false;
    panel.webview.onDidReceiveMessage((message: FromPage) => this.heard(message));
    panel.onDidDispose(() => {
      clearTimeout(this.timer);
      this.turn += 1;
      this.panel = undefined;
      this.shown = undefined;
      this.ready = false;
    });
    const address = (name: string) => panel.webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
    panel.webview.html = page({
      source: panel.webview.cspSource,
      nonce: randomBytes(16).toString("base64"),
      script: address("view.js"),
      style: address("view.css"),
      title: "State machine",
    });
  }

  private async draw(): Promise<void> {
    const shown = this.shown;
    if (!shown) {
      return;
    }
    this.turn += 1;
    const turn = this.turn;
    let message: ToPage;
    let drawing = this.drawing;
    try {
      const answer = await this.server.ask<Drawing | null>("counterplay/machine", {
        textDocument: { uri: shown.uri.toString() },
        position: shown.place,
      });
      if (answer) {
        drawing = answer;
        message = { kind: "drawing", title: answer.title, mermaid: answer.mermaid };
      } else {
        drawing = undefined;
        message = { kind: "trouble", message: "There is no playbook at this place.", keep: false };
      }
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (typeof code === "number" && OUTDATED.includes(code)) {
        if (turn === this.turn) {
          this.later();
        }
        return;
      }
      const why = error instanceof Error ? error.message : String(error);
      message = { kind: "trouble", message: why, keep: drawing !== undefined };
    }
    // Something newer was asked for meanwhile.
    if (turn !== this.turn || !this.panel) {
      return;
    }
    this.drawing = drawing;
    if (message.kind === "drawing") {
      this.panel.title = message.title;
    }
    this.say(message);
  }

  private say(message: ToPage): void {
    this.last = message;
    if (this.ready) {
      void this.panel?.webview.postMessage(message);
    }
  }

  private async heard(message: FromPage): Promise<void> {
    if (message.kind === "ready") {
      // The page is made anew whenever it was hidden: it gets the drawing, then what is wrong with it.
      this.ready = true;
      if (this.drawing && this.last?.kind === "trouble") {
        const { title, mermaid } = this.drawing;
        void this.panel?.webview.postMessage({ kind: "drawing", title, mermaid } satisfies ToPage);
      }
      if (this.last) {
        this.say(this.last);
      }
    } else if (this.drawing) {
      await vscode.env.clipboard.writeText(this.drawing[message.format]);
      vscode.window.setStatusBarMessage(
        `Copied as ${message.format === "dot" ? "Graphviz" : "Mermaid"}`, 3000,
      );
    }
  }

  private changed(event: vscode.TextDocumentChangeEvent): void {
    if (!this.panel || !this.shown || event.document.uri.toString() !== this.shown.uri.toString()) {
      return;
    }
    // The editor tells of edits from the last to the first, all counted in the text before them.
    for (const change of event.contentChanges) {
      this.shown.place = follow(this.shown.place, change);
    }
    this.later();
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.draw(), REST_MS);
  }
}
