// An address such as `std:/microsoft/entra.play` in, the text that the server has for it out. Read-only.

import * as vscode from "vscode";
import type { Server } from "./server";

export const SCHEME = "std";

export class Library implements vscode.TextDocumentContentProvider {
  constructor(private readonly server: Pick<Server, "ask">) {}

  async provideTextDocumentContent(uri: vscode.Uri, token: vscode.CancellationToken): Promise<string> {
    const answer = await this.server.ask<{ text: string }>(
      "workspace/textDocumentContent",
      { uri: uri.toString() },
      token,
    );
    return answer.text;
  }
}
