-- Buffers, commands and addresses `std:/…` in; a running `counterplay lsp` and what it answers out.
-- SPDX-License-Identifier: Apache-2.0
local M = {}

-- What `setup` was given.
local options = {}

-- Of each root, the client that was started for it. For Neovim 0.7, which has no `vim.lsp.start`.
local started = {}

local function say(text)
  vim.notify('counterplay: ' .. text, vim.log.levels.WARN)
end

--- Sets up the server. Not needed where `counterplay` is on the PATH.
---@param given table `cmd` (a list), and whatever else `vim.lsp.start_client()` takes: `on_attach`, `capabilities`, …
function M.setup(given)
  options = given or {}
end

-- The clients of ours that run.
local function clients(bufnr)
  local found
  if vim.lsp.get_clients then
    found = vim.lsp.get_clients({ name = 'counterplay', bufnr = bufnr })
  elseif bufnr then
    found = vim.tbl_values(vim.lsp.buf_get_clients(bufnr))
  else
    found = vim.lsp.get_active_clients()
  end
  return vim.tbl_filter(function(client)
    return client.name == 'counterplay'
  end, found)
end

-- Whether this Neovim takes `std:/…` for a path in the working folder, as old ones do.
local function mistakes_addresses()
  return vim.fn.fnamemodify('std:/x', ':p') ~= 'std:/x'
end

-- The address of a document of the server's own in a buffer's name, however this Neovim writes it.
local function address(name)
  return name:match('^std:/.*$') or name:match('[/\\](std:/.*)$')
end

-- Where old Neovims say `file:///folder/std:/…`, says `std:/…` instead.
local function mend(value)
  if type(value) == 'table' then
    if type(value.uri) == 'string' and value.uri:match('^file:') then
      value.uri = address(value.uri) or value.uri
    end
    for _, inner in pairs(value) do
      mend(inner)
    end
  end
  return value
end

local function mend_addresses(client)
  local rpc = client.rpc
  local request, notify = rpc.request, rpc.notify
  rpc.request = function(method, params, ...)
    return request(method, mend(params), ...)
  end
  rpc.notify = function(method, params)
    return notify(method, mend(params))
  end
end

-- The nearest folder with a counterplay.toml, or the buffer's own.
local function root_of(name)
  local folder = vim.fn.fnamemodify(name, ':p:h')
  local here = folder
  while true do
    if vim.fn.filereadable(here .. '/counterplay.toml') == 1 then
      return here
    end
    local above = vim.fn.fnamemodify(here, ':h')
    if above == here then
      return folder
    end
    here = above
  end
end

local function config(root)
  local own = {}
  if vim.fn.has('nvim-0.11') == 1 then
    own = vim.deepcopy(vim.lsp.config.counterplay or {})
    own.root_dir, own.root_markers, own.filetypes = nil, nil, nil
  end
  local all = vim.tbl_extend('force', { cmd = { 'counterplay', 'lsp' } }, own, options)
  all.name = 'counterplay'
  all.root_dir = root
  if mistakes_addresses() then
    local on_init = all.on_init
    all.on_init = function(client, ...)
      mend_addresses(client)
      if type(on_init) == 'function' then
        on_init(client, ...)
      end
    end
  end
  return all
end

-- A client for a root: the one that runs or a new one; nil where the program is missing.
local function start(root)
  for _, client in ipairs(clients()) do
    if client.config.root_dir == root then
      return client.id
    end
  end
  -- One that has not said hello yet is in no list.
  if started[root] and vim.lsp.get_client_by_id(started[root]) then
    return started[root]
  end
  local wanted = config(root)
  if type(wanted.cmd) == 'table' and vim.fn.executable(wanted.cmd[1]) == 0 then
    if not M.told then
      M.told = true
      say(('there is no program `%s`; put it on the PATH or name it with setup{ cmd = … }'):format(wanted.cmd[1]))
    end
    return nil
  end
  local id
  if vim.lsp.start then
    id = vim.lsp.start(wanted, { attach = false, bufnr = vim.api.nvim_get_current_buf() })
  else
    id = vim.lsp.start_client(wanted)
  end
  started[root] = id
  return id
end

--- Attaches a buffer to the server of its project, which is started where none runs.
function M.attach(bufnr)
  local name = vim.api.nvim_buf_get_name(bufnr)
  local id = vim.b[bufnr].counterplay_client
  -- Neovim 0.11 starts the server itself for playbooks, where `vim.lsp.enable('counterplay')` asked it to.
  if vim.lsp.is_enabled and vim.bo[bufnr].filetype == 'counterplay' and not id and vim.lsp.is_enabled('counterplay') then
    return
  end
  if not id and not address(name) then
    id = start(root_of(name ~= '' and name or vim.fn.getcwd() .. '/x'))
  end
  if id then
    vim.lsp.buf_attach_client(bufnr, id)
  end
end

-- Asks a client and waits for what it says: an answer, or nil and why there is none.
local function ask(client, method, params, bufnr)
  local reply, failure
  if vim.fn.has('nvim-0.11') == 1 then
    reply, failure = client:request_sync(method, params, 5000, bufnr)
  else
    reply, failure = client.request_sync(method, params, 5000, bufnr)
  end
  if not reply then
    return nil, failure or 'the server does not answer'
  end
  if reply.err then
    return nil, reply.err.message
  end
  if reply.result == vim.NIL then
    return nil
  end
  return reply.result
end

-- A client that can be asked: this buffer's, or any that runs, or a new one.
local function someone(bufnr)
  local own = bufnr and bufnr > 0 and clients(bufnr)[1] or clients()[1]
  if own then
    return own
  end
  local id = start(root_of(vim.fn.getcwd() .. '/x'))
  vim.wait(5000, function()
    return clients()[1] ~= nil
  end, 10)
  return id and clients()[1]
end

--- Fills a buffer with a text that the server holds: `std:/microsoft/intune.play`, `std:/errors/P0401.md`.
function M.read(bufnr, name)
  local uri = address(name)
  local before = vim.fn.bufnr('#')
  local client = someone(before)
  local answer, why
  if client then
    answer, why = ask(client, 'workspace/textDocumentContent', { uri = uri }, bufnr)
  else
    why = 'no server runs'
  end
  if not answer then
    say(('%s cannot be shown: %s'):format(uri, why or 'there is no such text'))
    return
  end
  local lines = vim.split(answer.text, '\n', { plain = true })
  if lines[#lines] == '' then
    table.remove(lines)
  end
  local bo = vim.bo[bufnr]
  bo.modifiable, bo.readonly = true, false
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  bo.buftype, bo.swapfile, bo.undolevels = 'nofile', false, -1
  bo.modified, bo.modifiable, bo.readonly = false, false, true
  if uri:match('%.md$') then
    bo.filetype = 'markdown'
  else
    vim.b[bufnr].counterplay_client = client.id
    bo.filetype = 'counterplay'
    M.attach(bufnr)
  end
end

-- Shows lines in a window of their own; the same window again for the same title.
local function show(title, lines, filetype)
  local name = 'counterplay-machine://' .. title
  local bufnr = vim.fn.bufnr(vim.fn.fnameescape(name))
  if bufnr < 0 then
    bufnr = vim.api.nvim_create_buf(true, true)
    vim.api.nvim_buf_set_name(bufnr, name)
  end
  vim.bo[bufnr].modifiable = true
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].filetype = filetype
  local window = vim.fn.bufwinid(bufnr)
  if window > 0 then
    vim.api.nvim_set_current_win(window)
  else
    vim.cmd('split')
    vim.api.nvim_win_set_buf(0, bufnr)
  end
end

--- Draws the playbook under the cursor.
---@param format string|nil `mermaid` (the default) or `dot`
function M.machine(format)
  format = format ~= '' and format or 'mermaid'
  if format ~= 'mermaid' and format ~= 'dot' then
    return say(('a machine is drawn as mermaid or dot, not as `%s`'):format(format))
  end
  local bufnr = vim.api.nvim_get_current_buf()
  local client = clients(bufnr)[1]
  if not client then
    return say('no server is attached to this buffer')
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local drawing, why = ask(client, 'counterplay/machine', params, bufnr)
  if not drawing then
    return say(why or 'there is no playbook under the cursor')
  end
  show(drawing.title, vim.split(vim.trim(drawing[format]), '\n', { plain = true }), format)
end

-- The page about a finding.
local function page_of(finding)
  local raw = finding.user_data and finding.user_data.lsp or {}
  local link = raw.codeDescription and raw.codeDescription.href
  local code = finding.code or raw.code
  return link or (code and ('std:/errors/%s.md'):format(code))
end

-- The finding under the cursor, or else the first one of its line.
local function finding_here()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  row = row - 1
  local on_line = vim.diagnostic.get(0, { lnum = row })
  for _, finding in ipairs(vim.diagnostic.get(0)) do
    local from = finding.lnum < row or (finding.lnum == row and finding.col <= column)
    local last_row, last_column = finding.end_lnum or finding.lnum, finding.end_col or finding.col + 1
    local to = last_row > row or (last_row == row and last_column > column)
    if from and to and page_of(finding) then
      return finding
    end
  end
  for _, finding in ipairs(on_line) do
    if page_of(finding) then
      return finding
    end
  end
end

--- Shows the page about a code, or about the finding under the cursor.
---@param code string|nil such as `P0401`
function M.explain(code)
  local page
  if code and code ~= '' then
    page = ('std:/errors/%s.md'):format(code:upper())
    local client = someone()
    if client then
      local found, why = ask(client, 'workspace/textDocumentContent', { uri = page })
      if not found then
        return say(why or ('there is no finding `%s`'):format(code))
      end
    end
  else
    local finding = finding_here()
    page = finding and page_of(finding)
  end
  if not page then
    return say('there is no finding under the cursor')
  end
  vim.cmd('split ' .. vim.fn.fnameescape(page))
end

--- How far the line `v:lnum` is indented: for 'indentexpr'.
function M.indent()
  local above = vim.fn.prevnonblank(vim.v.lnum - 1)
  if above == 0 then
    return 0
  end
  local function code(row)
    return vim.fn.getline(row):gsub('%s+//.*$', ''):gsub('^//.*$', '')
  end
  local indent = vim.fn.indent(above)
  if code(above):match('[{%(%[]%s*$') then
    indent = indent + vim.fn.shiftwidth()
  end
  if code(vim.v.lnum):match('^%s*[}%)%]]') then
    indent = indent - vim.fn.shiftwidth()
  end
  return math.max(indent, 0)
end

return M
