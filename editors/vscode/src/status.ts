// What the server does in, an entry beside the language's name in the status bar out.

import * as vscode from "vscode";

export class Status implements vscode.Disposable {
  private readonly item = vscode.languages.createLanguageStatusItem("counterplay.server", [
    { language: "counterplay" },
    { pattern: "**/counterplay.toml" },
  ]);

  constructor() {
    this.item.name = "Counterplay language server";
  }

  starting(): void {
    this.item.busy = true;
    this.item.severity = vscode.LanguageStatusSeverity.Information;
    this.item.text = "Counterplay";
    this.item.detail = "starting";
    this.item.command = undefined;
  }

  running(version: string | undefined): void {
    this.item.busy = false;
    this.item.severity = vscode.LanguageStatusSeverity.Information;
    this.item.text = version ? `Counterplay ${version}` : "Counterplay";
    this.item.detail = "language server is running";
    this.item.command = { command: "counterplay.showOutput", title: "Show output" };
  }

  stopped(why: string): void {
    this.item.busy = false;
    this.item.severity = vscode.LanguageStatusSeverity.Error;
    this.item.text = "Counterplay: no language server";
    this.item.detail = why;
    this.item.command = { command: "counterplay.restart", title: "Restart" };
  }

  dispose(): void {
    this.item.dispose();
  }
}
