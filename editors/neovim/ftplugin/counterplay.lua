-- A buffer with a playbook in, its settings and the language server out.

if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = true

vim.bo.commentstring = "// %s"
vim.bo.comments = ":///,://"
vim.bo.expandtab = true
vim.bo.shiftwidth = 2
vim.bo.softtabstop = 2
vim.bo.omnifunc = "v:lua.vim.lsp.omnifunc"
vim.opt_local.formatoptions:append("cro")
vim.opt_local.formatoptions:remove("t")

vim.b.undo_ftplugin = "setl cms< com< et< sw< sts< ofu< fo<"

require("counterplay").attach(0)
