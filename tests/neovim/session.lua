-- A copy of the lost-device project in, what Neovim could do with it out: a line `ok …` or `not ok …` a check.
-- Run by tests/tests/neovim.rs with COUNTERPLAY_BIN, COUNTERPLAY_PROJECT and COUNTERPLAY_REPORT set.

local project = vim.env.COUNTERPLAY_PROJECT
local report = assert(io.open(vim.env.COUNTERPLAY_REPORT, "w"))

local function check(name, f)
  local ok, why = pcall(f)
  report:write((ok and "ok " or "not ok ") .. name .. (ok and "" or ": " .. tostring(why)) .. "\n")
  report:flush()
end

local function wait(what, condition)
  if not vim.wait(15000, condition, 50) then
    error("waited in vain for " .. what, 2)
  end
end

local function expect(condition, what)
  if not condition then
    error(what, 2)
  end
end

local function lines()
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

local function text()
  return table.concat(lines(), "\n")
end

-- Puts the cursor on the first place of a text.
local function cursor_on(word, offset)
  for number, line in ipairs(lines()) do
    local column = line:find(word, 1, true)
    if column then
      vim.api.nvim_win_set_cursor(0, { number, column - 1 + (offset or 0) })
      return number
    end
  end
  error("there is no " .. word, 2)
end

local function replace(before, after)
  local number = cursor_on(before)
  local line = lines()[number]
  local from = line:find(before, 1, true)
  local changed = line:sub(1, from - 1) .. after .. line:sub(from + #before)
  vim.api.nvim_buf_set_lines(0, number - 1, number, false, { changed })
end

local function client()
  for _, one in pairs(vim.lsp.buf_get_clients(0)) do
    return one
  end
end

-- Asks the server about the place under the cursor.
local function ask(method, more)
  local params = vim.lsp.util.make_position_params(0, client().offset_encoding)
  for key, value in pairs(more or {}) do
    params[key] = value
  end
  local answer = assert(client().request_sync(method, params, 15000, 0))
  expect(not answer.err, answer.err and answer.err.message)
  return answer.result
end

local function findings()
  return vim.diagnostic.get(0)
end

require("counterplay").setup({ cmd = { vim.env.COUNTERPLAY_BIN, "lsp" } })
vim.cmd("edit " .. vim.fn.fnameescape(project .. "/playbooks/lost_device.play"))

check("the server is attached to a .play file", function()
  expect(vim.bo.filetype == "counterplay", "the file type is " .. vim.bo.filetype)
  wait("a client", function() return client() ~= nil and client().server_capabilities ~= nil end)
  expect(client().config.root_dir == project, "its root is " .. client().config.root_dir)
end)

check("the diagnostic of a misspelt action appears", function()
  replace("intune.wipe(device)", "intune.wype(device)")
  wait("the finding", function() return #findings() == 1 end)
  local lsp = findings()[1].user_data and findings()[1].user_data.lsp or {}
  expect((findings()[1].code or lsp.code) == "P0201", vim.inspect(findings()[1]))
end)

check("its page is read", function()
  cursor_on("wype")
  vim.cmd("CounterplayExplain")
  expect(lines()[1]:find("P0201", 1, true), "the page begins with " .. lines()[1])
  vim.cmd("close")
end)

check("its fix is applied", function()
  cursor_on("wype", 1)
  local params = vim.lsp.util.make_range_params(0, client().offset_encoding)
  params.context = { diagnostics = {} }
  local answer = assert(client().request_sync("textDocument/codeAction", params, 15000, 0))
  expect(answer.result and #answer.result == 1, vim.inspect(answer))
  vim.lsp.util.apply_workspace_edit(answer.result[1].edit, client().offset_encoding)
  expect(text():find("intune.wipe(device)", 1, true), "the text is not mended")
  wait("the finding to go", function() return #findings() == 0 end)
end)

check("completion offers the action", function()
  cursor_on("intune.wipe", #"intune.")
  local result = ask("textDocument/completion")
  local labels = {}
  for _, item in ipairs(result.items or result) do
    labels[item.label] = true
  end
  expect(labels.wipe, vim.inspect(vim.tbl_keys(labels)))
end)

check("completion works by its keys", function()
  cursor_on("intune.wipe", #"intune.wi")
  expect(vim.bo.omnifunc == "v:lua.vim.lsp.omnifunc", vim.bo.omnifunc)
end)

check("hover tells the impact", function()
  cursor_on("intune.wipe", #"intune.w")
  local result = ask("textDocument/hover")
  expect(result.contents.value:find("destructive", 1, true), result.contents.value)
end)

check("rename renames", function()
  cursor_on("let case", #"let c")
  vim.lsp.buf.rename("ticket_of_it")
  wait("the new name", function() return text():find("let ticket_of_it = ", 1, true) ~= nil end)
  expect(text():find("{ticket_of_it.number}", 1, true), "the text inside of a message is not renamed")
  expect(not text():find("case", 1, true), "the old name is still there")
end)

check("format formats", function()
  expect(client().server_capabilities.documentFormattingProvider
    or client().resolved_capabilities.document_formatting, "the server does not offer it")
  replace("  mode: active", "     mode :active")
  local format = vim.lsp.buf.format or function() vim.lsp.buf.formatting_sync(nil, 15000) end
  format({ timeout_ms = 15000 })
  wait("the line", function() return text():find("\n  mode: active\n", 1, true) ~= nil end)
end)

check("the definition opens in the library", function()
  cursor_on("intune.wipe", #"intune.w")
  vim.lsp.buf.definition()
  wait("the library", function()
    return vim.api.nvim_buf_get_name(0):find("std:///microsoft/intune.play", 1, true) ~= nil
  end)
  wait("its text", function() return #lines() > 20 end)
  local line = vim.api.nvim_win_get_cursor(0)[1]
  expect(lines()[line]:find("action wipe", 1, true), "the cursor stands on " .. lines()[line])
  expect(vim.bo.readonly and not vim.bo.modifiable, "it can be changed")
  wait("the server on it", function() return client() ~= nil end)
  local result = ask("textDocument/hover")
  expect(result and result.contents.value:find("wipe", 1, true), vim.inspect(result))
end)

check("the state machine is shown", function()
  vim.cmd("buffer lost_device")
  cursor_on("approve")
  vim.cmd("CounterplayMachine")
  expect(lines()[1]:find("flowchart", 1, true), "it begins with " .. lines()[1])
  vim.cmd("close")
end)

report:write("pid " .. client().rpc.pid .. "\n")

check("the project file is watched, too", function()
  vim.cmd("edit " .. vim.fn.fnameescape(project .. "/counterplay.toml"))
  wait("the server", function() return client() ~= nil end)
  replace("[teams.leads]", "[teams.leaders]")
  vim.cmd("buffer lost_device")
  wait("a finding in the playbook", function() return #findings() > 0 end)
end)

report:write("done\n")
report:close()
vim.cmd("qall!")
