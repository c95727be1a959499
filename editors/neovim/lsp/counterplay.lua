-- Nothing in, the server's configuration for `vim.lsp.config` and `vim.lsp.enable` (Neovim 0.11) out.
-- SPDX-License-Identifier: Apache-2.0
return {
  cmd = { 'counterplay', 'lsp' },
  filetypes = { 'counterplay' },
  root_markers = { 'counterplay.toml' },
}
