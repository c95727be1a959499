-- A buffer's name in, its file type and text out: `.play` files, the library's `std:/…`, and the project file.

if vim.g.loaded_counterplay then
  return
end
vim.g.loaded_counterplay = true

local group = vim.api.nvim_create_augroup("counterplay", { clear = true })

vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, {
  group = group,
  pattern = "*.play",
  callback = function(event)
    if not event.file:find("std:/", 1, true) then
      vim.bo[event.buf].filetype = "counterplay"
    end
  end,
})

vim.api.nvim_create_autocmd("BufReadCmd", {
  group = group,
  pattern = { "std:/*", "*/std:/*" },
  callback = function(event)
    require("counterplay").read_library(event.buf, event.file:match("std:/.*"))
  end,
})

vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, {
  group = group,
  pattern = "counterplay.toml",
  callback = function(event)
    require("counterplay").attach(event.buf)
  end,
})

vim.api.nvim_create_user_command("CounterplayMachine", function()
  require("counterplay").machine()
end, { desc = "Show the state machine of the playbook under the cursor" })

vim.api.nvim_create_user_command("CounterplayExplain", function()
  require("counterplay").explain()
end, { desc = "Explain the finding under the cursor" })
