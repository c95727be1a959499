// The addresses of a script and a style sheet in, the page's HTML out. It loads nothing else and reaches no network.

export interface Parts {
  /** The webview's own source, for the policy. */
  source: string;
  nonce: string;
  script: string;
  style: string;
  title: string;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

export function page({ source, nonce, script, style, title }: Parts): string {
  // Mermaid writes the drawing's style into the drawing, hence the inline styles; scripts run by nonce only.
  const policy = [
    "default-src 'none'",
    `style-src ${source} 'unsafe-inline'`,
    `script-src 'nonce-${nonce}'`,
    `font-src ${source}`,
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<link rel="stylesheet" href="${escapeHtml(style)}">
<title>${escapeHtml(title)}</title>
</head>
<body>
<header>
<h1 id="title">${escapeHtml(title)}</h1>
<div class="tools" role="toolbar" aria-label="State machine">
<button id="smaller" title="Smaller" aria-label="Smaller">&#8722;</button>
<button id="fit" title="Fit to the width">Fit</button>
<button id="larger" title="Larger" aria-label="Larger">+</button>
<button id="copy-mermaid">Copy as Mermaid</button>
<button id="copy-dot">Copy as Graphviz</button>
</div>
</header>
<p id="trouble" role="status" hidden></p>
<main id="drawing" tabindex="0" aria-label="Drawing of the state machine"></main>
<script nonce="${escapeHtml(nonce)}" src="${escapeHtml(script)}"></script>
</body>
</html>
`;
}
