-- Neovim's events and commands in, calls of the module `counterplay` out. Loaded once, at the start.
-- SPDX-License-Identifier: Apache-2.0
if vim.g.loaded_counterplay or vim.fn.has('nvim-0.7') == 0 then
  return
end
vim.g.loaded_counterplay = true

if vim.filetype and vim.filetype.add then
  vim.filetype.add({ extension = { play = 'counterplay' } })
end

local group = vim.api.nvim_create_augroup('counterplay', {})

-- The project file is TOML to everybody else; the server knows what has to stand in it.
vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile' }, {
  group = group,
  pattern = 'counterplay.toml',
  callback = function(event)
    require('counterplay').attach(event.buf)
  end,
})

-- The standard library and the pages about findings are no files: the server holds them.
vim.api.nvim_create_autocmd('BufReadCmd', {
  group = group,
  pattern = { 'std:/*' },
  callback = function(event)
    require('counterplay').read(event.buf, event.file)
  end,
})

vim.api.nvim_create_user_command('CounterplayMachine', function(command)
  require('counterplay').machine(command.args)
end, {
  nargs = '?',
  complete = function()
    return { 'mermaid', 'dot' }
  end,
  desc = 'Draw the state machine of the playbook under the cursor',
})

vim.api.nvim_create_user_command('CounterplayExplain', function(command)
  require('counterplay').explain(command.args)
end, { nargs = '?', desc = 'Explain the finding under the cursor, or a code' })
