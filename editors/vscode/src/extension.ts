// An editor in, everything that Counterplay adds to it out: the place where the parts are put together.

import * as vscode from "vscode";
import { Library, SCHEME } from "./library";
import { MachinePanel } from "./machine/panel";
import { Server } from "./server";
import { Status } from "./status";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("Counterplay", { log: true });
  const status = new Status();
  const running = new Server(output, status);
  server = running;
  const panel = new MachinePanel(context.extensionUri, running);

  context.subscriptions.push(
    output,
    status,
    panel,
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, new Library(running)),
    vscode.commands.registerCommand("counterplay.restart", () => running.restart()),
    vscode.commands.registerCommand("counterplay.showOutput", () => output.show(true)),
    vscode.commands.registerCommand("counterplay.showMachine", () => panel.show()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("counterplay.path")) {
        void running.restart();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => running.restart()),
  );
  await running.start();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
  server = undefined;
}
