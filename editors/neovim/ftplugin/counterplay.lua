-- A buffer of a playbook in; its settings and the language server attached to it out.
-- SPDX-License-Identifier: Apache-2.0
if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = 1

vim.bo.commentstring = '// %s'
vim.bo.comments = ':///,://'
vim.opt_local.formatoptions:remove('t')
vim.opt_local.formatoptions:append('croql')
vim.bo.expandtab = true
vim.bo.shiftwidth = 2
vim.bo.softtabstop = 2
vim.bo.tabstop = 2
vim.bo.indentexpr = "v:lua.require'counterplay'.indent()"
vim.bo.indentkeys = '0},0),0],!^F,o,O'
vim.bo.omnifunc = 'v:lua.vim.lsp.omnifunc'
vim.b.undo_ftplugin = 'setlocal commentstring< comments< formatoptions< expandtab< shiftwidth< softtabstop< '
  .. 'tabstop< indentexpr< indentkeys< omnifunc<'

require('counterplay').attach(vim.api.nvim_get_current_buf())
