-- Buffers in, a language client out: one `counterplay lsp` for each project.

local M = {}

local settings = {
  cmd = { "counterplay", "lsp" },
  on_attach = nil,
  capabilities = nil,
}

-- The clients by the folder of their project.
local clients = {}

--- Settings, all of them optional: `cmd`, `on_attach(client, buffer)`, `capabilities`.
function M.setup(given)
  settings = vim.tbl_extend("force", settings, given or {})
end

local function complain(message)
  vim.notify("counterplay: " .. message, vim.log.levels.WARN)
end

-- The nearest folder with a project file, or the file's own.
local function root_of(path)
  local folder = vim.fn.fnamemodify(path, ":p:h")
  local found = vim.fn.findfile("counterplay.toml", vim.fn.escape(folder, " ,;") .. ";")
  if found ~= "" then
    return vim.fn.fnamemodify(found, ":p:h")
  end
  return folder
end

-- A client that is still running.
local function running(root)
  local client = clients[root] and vim.lsp.get_client_by_id(clients[root])
  if client and not client.is_stopped() then
    return client
  end
  clients[root] = nil
  return nil
end

local function any_running()
  for root in pairs(clients) do
    local client = running(root)
    if client then
      return client
    end
  end
  return nil
end

local function start(root)
  if vim.fn.executable(settings.cmd[1]) ~= 1 then
    complain("there is no program `" .. settings.cmd[1] .. "`; install it, or name it with require('counterplay').setup{ cmd = { '/path/to/counterplay', 'lsp' } }")
    return nil
  end
  local id = vim.lsp.start_client({
    name = "counterplay",
    cmd = settings.cmd,
    root_dir = root,
    workspace_folders = { { uri = vim.uri_from_fname(root), name = root } },
    on_attach = settings.on_attach,
    capabilities = settings.capabilities or vim.lsp.protocol.make_client_capabilities(),
  })
  clients[root] = id
  return id
end

--- Attaches the language server to a buffer; starts it where it does not run for the buffer's project.
function M.attach(buffer)
  if buffer == 0 then
    buffer = vim.api.nvim_get_current_buf()
  end
  local name = vim.api.nvim_buf_get_name(buffer)
  local id
  if vim.startswith(name, "std:") then
    local client = any_running()
    id = client and client.id
  elseif name ~= "" then
    local root = root_of(name)
    local client = running(root)
    id = client and client.id or start(root)
  end
  if id then
    vim.lsp.buf_attach_client(buffer, id)
  end
end

-- Asks a server and waits for its answer: the result, or why there is none.
local function ask(client, method, params, buffer)
  local answer, why = client.request_sync(method, params, 5000, buffer)
  if not answer then
    return nil, why or "no answer"
  end
  if answer.err then
    return nil, answer.err.message
  end
  return answer.result
end

-- Neovim takes a name for an address only with `://` in it; others become paths below the current folder.
local function address(uri)
  return "std:///" .. uri:gsub("^std:/+", "")
end

--- Fills a buffer with a file of the standard library, or with the page about a finding.
function M.read_library(buffer, uri)
  uri = address(uri)
  local client = any_running()
  if not client then
    complain("no language server is running that could read " .. uri)
    return
  end
  local result, why = ask(client, "workspace/textDocumentContent", { uri = uri }, buffer)
  if not result then
    complain(why)
    return
  end
  if vim.api.nvim_buf_get_name(buffer) ~= uri then
    vim.api.nvim_buf_set_name(buffer, uri)
  end
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(result.text:gsub("\n$", ""), "\n", { plain = true }))
  vim.bo[buffer].modified = false
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].readonly = true
  vim.bo[buffer].buftype = "nowrite"
  vim.bo[buffer].swapfile = false
  vim.bo[buffer].filetype = vim.endswith(uri, ".md") and "markdown" or "counterplay"
end

-- The client of the current buffer.
local function current()
  for _, client in pairs(vim.lsp.buf_get_clients(0)) do
    if client.name == "counterplay" then
      return client
    end
  end
  complain("no language server is attached to this buffer")
  return nil
end

--- Shows the state machine of the playbook under the cursor, as a Mermaid flow chart.
function M.machine()
  local client = current()
  if not client then
    return
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local result, why = ask(client, "counterplay/machine", params, 0)
  if why then
    return complain(why)
  end
  if not result or result == vim.NIL then
    return complain("there is no playbook under the cursor")
  end
  vim.cmd("vnew")
  local buffer = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(result.mermaid, "\n", { plain = true }))
  vim.bo[buffer].buftype = "nofile"
  vim.bo[buffer].bufhidden = "wipe"
  vim.bo[buffer].filetype = "mermaid"
  vim.bo[buffer].modifiable = false
end

--- Opens the page about the finding under the cursor.
function M.explain()
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  for _, finding in ipairs(vim.diagnostic.get(0, { lnum = line })) do
    local lsp = finding.user_data and finding.user_data.lsp or {}
    local code = finding.code or lsp.code
    if code then
      vim.cmd("split " .. vim.fn.fnameescape(address("std:/errors/" .. code .. ".md")))
      return
    end
  end
  complain("there is no finding on this line")
end

return M
