// The editor's settings in, a conversation with `counterplay lsp` out: started, stopped and started again, one at a time.

import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, State } from "vscode-languageclient/node";
import { type Found, find } from "./binary";
import { explain } from "./trouble";
import { SCHEME } from "./library";
import type { Status } from "./status";

/** What the server is told about: playbooks, the library's files, and the project file. */
export const DOCUMENTS = [
  { language: "counterplay", scheme: "file" },
  { language: "counterplay", scheme: SCHEME },
  { scheme: "file", pattern: "**/counterplay.toml" },
];

export class Server {
  private client: LanguageClient | undefined;
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly output: vscode.LogOutputChannel,
    private readonly status: Status,
  ) {}

  /** Starts the server; says what is wrong where it cannot be. */
  start(): Promise<void> {
    return this.inTurn(() => this.open());
  }

  stop(): Promise<void> {
    return this.inTurn(() => this.close());
  }

  restart(): Promise<void> {
    return this.inTurn(async () => {
      await this.close();
      await this.open();
    });
  }

  /** Asks the server; waits for one that is just starting. Fails with a sentence where there is none. */
  async ask<T>(method: string, params: unknown, token?: vscode.CancellationToken): Promise<T> {
    await this.queue;
    if (!this.client?.isRunning()) {
      throw new Error("the Counterplay language server is not running");
    }
    return token ? this.client.sendRequest<T>(method, params, token) : this.client.sendRequest<T>(method, params);
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const next = this.queue.then(work, work);
    this.queue = next.catch(() => undefined);
    return next;
  }

  private async open(): Promise<void> {
    this.status.starting();
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    const wanted = vscode.workspace.getConfiguration("counterplay").get<string>("path") ?? "";
    const found = await find(wanted, folder);
    if (found.kind !== "found") {
      this.status.stopped(explain(found).message);
      // Not awaited: nothing waits for somebody to read a message.
      void this.tell(found);
      return;
    }

    const options: LanguageClientOptions = {
      documentSelector: DOCUMENTS,
      outputChannel: this.output,
      traceOutputChannel: this.output,
    };
    const run = { command: found.path, args: ["lsp"], options: folder ? { cwd: folder } : {} };
    // By this id the client finds `counterplay.trace.server` itself, and minds its changes.
    const client = new LanguageClient("counterplay", "Counterplay", { run, debug: run }, options);
    client.onDidChangeState(({ newState }) => {
      if (client !== this.client) {
        return;
      }
      if (newState === State.Running) {
        this.status.running(client.initializeResult?.serverInfo?.version);
      } else if (newState === State.Stopped) {
        this.status.stopped("The language server has stopped.");
      }
    });
    this.client = client;
    try {
      await client.start();
    } catch (error) {
      this.output.error(String(error));
      await this.close();
      this.status.stopped("The language server could not start.");
      void this.tell({ kind: "broken", path: found.path });
    }
  }

  private async close(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      this.output.warn(`the server did not leave in good order: ${String(error)}`);
    }
  }

  private async tell(found: Exclude<Found, { kind: "found" }>): Promise<void> {
    const { message, ways } = explain(found);
    const chosen = await vscode.window.showErrorMessage(message, ...ways);
    switch (chosen) {
      case "Open settings":
        await vscode.commands.executeCommand("workbench.action.openSettings", "counterplay.path");
        break;
      case "Try again":
        await this.restart();
        break;
      case "Show output":
        this.output.show(true);
        break;
    }
  }
}
