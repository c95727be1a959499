-- A project and the plugin in an editor in; a line `ok …` or `not ok …: why` for each check out, in a file.
-- SPDX-License-Identifier: Apache-2.0
--
-- From the environment: COUNTERPLAY_BIN, the program; COUNTERPLAY_PROJECT, a copy of examples/lost-device;
-- COUNTERPLAY_REPORT, where the lines go; COUNTERPLAY_PIDS, where each server writes its process id.
local bin = os.getenv('COUNTERPLAY_BIN')
local project = os.getenv('COUNTERPLAY_PROJECT')
local pids = os.getenv('COUNTERPLAY_PIDS')
local report = assert(io.open(os.getenv('COUNTERPLAY_REPORT'), 'w'))
local SECONDS = 5

local said = {}
vim.notify = function(text)
  table.insert(said, text)
end

local function check(name, f)
  said = {}
  local fine, why = pcall(f)
  if fine then
    report:write('ok ', name, '\n')
  else
    local heard = #said > 0 and '; Neovim said: ' .. table.concat(said, ' | ') or ''
    report:write('not ok ', name, ': ', (tostring(why) .. heard):gsub('\n', ' '), '\n')
  end
  report:flush()
end

-- Waits until something holds; `why` says what was seen instead.
local function wait(condition, why)
  local held = vim.wait(SECONDS * 1000, condition, 10)
  if not held then
    error(type(why) == 'function' and why() or why, 0)
  end
end

local function expect(condition, why)
  if not condition then
    error(why, 0)
  end
end

local function text(bufnr)
  return table.concat(vim.api.nvim_buf_get_lines(bufnr or 0, 0, -1, false), '\n')
end

-- Puts the cursor `into` characters behind the start of the first `words`.
local function go(words, into)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local column = line:find(words, 1, true)
    if column then
      vim.api.nvim_win_set_cursor(0, { row, column - 1 + (into or 0) })
      return row, column
    end
  end
  error(('there is no `%s` in the buffer'):format(words), 0)
end

local function replace(words, by)
  local row, column = go(words)
  vim.api.nvim_buf_set_text(0, row - 1, column - 1, row - 1, column - 1 + #words, { by })
end

local function client()
  local list = vim.lsp.get_clients or vim.lsp.get_active_clients
  for _, one in ipairs(list()) do
    if one.name == 'counterplay' then
      return one
    end
  end
end

-- Asks the server about the place under the cursor.
local function ask(method, more)
  local params = vim.lsp.util.make_position_params(0, client().offset_encoding)
  params = vim.tbl_extend('force', params, more or {})
  local replies, failure = vim.lsp.buf_request_sync(0, method, params, SECONDS * 1000)
  expect(replies, ('%s is not answered: %s'):format(method, failure))
  for _, reply in pairs(replies) do
    local problem = reply.error or reply.err
    expect(not problem, problem and problem.message)
    return reply.result
  end
  error(method .. ' is not answered', 0)
end

local function codes(bufnr)
  local found = {}
  for _, finding in ipairs(vim.diagnostic.get(bufnr or 0)) do
    local raw = finding.user_data and finding.user_data.lsp or {}
    table.insert(found, tostring(finding.code or raw.code))
  end
  table.sort(found)
  return table.concat(found, ' ')
end

local function shown_codes()
  return ('the findings are: `%s`'):format(codes())
end

require('counterplay').setup({
  cmd = { 'sh', '-c', 'echo $$ >>"$1"; exec "$0" lsp', bin, pids },
})

local playbook

check('a playbook is recognised and the server starts', function()
  vim.cmd('edit ' .. vim.fn.fnameescape(project .. '/playbooks/lost_device.play'))
  playbook = vim.api.nvim_get_current_buf()
  expect(vim.bo.filetype == 'counterplay', ('the filetype is `%s`'):format(vim.bo.filetype))
  expect(vim.bo.commentstring == '// %s', ('commentstring is `%s`'):format(vim.bo.commentstring))
  wait(function()
    return client() ~= nil
  end, 'no client runs')
  local root = vim.loop.fs_realpath(client().config.root_dir)
  expect(root == vim.loop.fs_realpath(project), ('the root is %s'):format(root))
end)

check('colours without the server', function()
  vim.cmd('syntax on')
  local function at(words, into)
    local row, column = go(words, into)
    return vim.fn.synIDattr(vim.fn.synID(row, column + (into or 0), 1), 'name')
  end
  local wanted = {
    { 'playbook lost', 0, 'counterplayDeclaration' },
    { '/// Somebody', 0, 'counterplayDoc' },
    { 'mode:', 0, 'counterplayKey' },
    { 'when manual', 0, 'counterplayStatement' },
    { 'repeats of', 8, 'counterplayClause' },
    { 'Lost device: ', 0, 'counterplayText' },
    { '{device.name}"', 0, 'counterplayBrace' },
    { 'without approval', 8, 'counterplayClause' },
    { 'within 4h', 0, 'counterplayClause' },
    { '4h {', 0, 'counterplayDuration' },
    { 'intune.wipe', 7, 'counterplayCall' },
    { 'approved {', 0, 'counterplayArm' },
  }
  local wrong = {}
  for _, one in ipairs(wanted) do
    local seen = at(one[1], one[2])
    if seen ~= one[3] then
      table.insert(wrong, ('`%s` is `%s`, not `%s`'):format(one[1], seen, one[3]))
    end
  end
  expect(#wrong == 0, table.concat(wrong, '; '))
end)

check('a misspelt action is found', function()
  replace('intune.wipe(device)', 'intune.wype(device)')
  wait(function()
    return codes() == 'P0201'
  end, shown_codes)
end)

check('the page about a finding is shown', function()
  go('intune.wype', 8)
  vim.cmd('CounterplayExplain')
  local heading = vim.fn.getline(1)
  local kind, locked = vim.bo.filetype, not vim.bo.modifiable
  vim.cmd('bwipeout!')
  expect(heading:match('^# P0201'), ('the first line is `%s`'):format(heading))
  expect(kind == 'markdown', ('the filetype is `%s`'):format(kind))
  expect(locked, 'the page can be changed')
  expect(vim.api.nvim_get_current_buf() == playbook, 'the playbook is not the current buffer again')
end)

check('a code without a page opens no window', function()
  local windows = vim.fn.winnr('$')
  vim.cmd('CounterplayExplain foo')
  expect(vim.fn.winnr('$') == windows, 'a window was opened')
  expect(vim.api.nvim_get_current_buf() == playbook, 'the playbook is not the current buffer')
end)

check('its fix is applied and it goes away', function()
  local titles = {}
  vim.ui.select = function(items, select_options, choose)
    for index, item in ipairs(items) do
      local title = select_options.format_item and select_options.format_item(item) or ''
      table.insert(titles, title)
      if title:find('Write `wipe`', 1, true) then
        return choose(item, index)
      end
    end
    choose(nil)
  end
  go('intune.wype', 8)
  vim.lsp.buf.code_action()
  wait(function()
    return text():find('intune.wipe(device)', 1, true) ~= nil
  end, function()
    return 'offered were: ' .. table.concat(titles, ' | ')
  end)
  wait(function()
    return codes() == ''
  end, shown_codes)
end)

check('completion behind a module offers its actions', function()
  go('intune.wipe', #'intune.')
  local answer = ask('textDocument/completion')
  local labels = {}
  for _, item in ipairs(answer and (answer.items or answer) or {}) do
    table.insert(labels, item.label)
  end
  expect(vim.tbl_contains(labels, 'wipe'), 'offered are: ' .. table.concat(labels, ', '))
end)

check('hover tells the impact of an action', function()
  go('intune.wipe', 8)
  local answer = ask('textDocument/hover')
  local page = answer and answer.contents.value or 'nothing'
  expect(page:find('Impact: **destructive**', 1, true), 'it says: ' .. page)
end)

check('rename reaches every mention', function()
  local before = text()
  local _, holes = before:gsub('case%.number', '')
  local _, notes = before:gsub('note%(case', '')
  expect(holes == 2 and notes == 5, ('the example has changed: %d and %d mentions'):format(holes, notes))
  local wanted = before
    :gsub('let case =', 'let incident =')
    :gsub('case%.number', 'incident.number')
    :gsub('note%(case', 'note(incident')
  go('let case', 5)
  vim.lsp.buf.rename('incident')
  wait(function()
    return text() == wanted
  end, function()
    return 'the text is: ' .. text()
  end)
end)

check('the definition of an action opens in the standard library', function()
  go('intune.wipe', 8)
  vim.lsp.buf.definition()
  wait(function()
    return vim.api.nvim_get_current_buf() ~= playbook
  end, 'no other buffer is shown')
  local name = vim.api.nvim_buf_get_name(0)
  expect(name:match('std:/microsoft/intune%.play$'), ('the buffer is `%s`'):format(name))
  local line = vim.api.nvim_get_current_line()
  expect(line:match('^action wipe%('), ('the cursor is on `%s`'):format(line))
  expect(text():find('event noncompliant {', 1, true), 'its text is not that of the library')
  expect(vim.bo.filetype == 'counterplay', ('the filetype is `%s`'):format(vim.bo.filetype))
  expect(not vim.bo.modifiable, 'it can be changed')
  -- It is a document of the server's like any other.
  go('action wipe', 8)
  local answer = ask('textDocument/hover')
  local page = answer and answer.contents.value or 'nothing'
  expect(page:find('destructive', 1, true), 'hover says: ' .. page)
end)
vim.api.nvim_set_current_buf(playbook)

check('formatting mends a badly indented line', function()
  local able = client().server_capabilities.documentFormattingProvider
  expect(able, 'the server does not announce documentFormattingProvider')
  local line = '    match device.platform {'
  replace(line, '           match   device.platform {')
  if vim.lsp.buf.format then
    vim.lsp.buf.format({ timeout_ms = SECONDS * 1000 })
  else
    vim.lsp.buf.formatting_sync(nil, SECONDS * 1000)
  end
  local after = '\n' .. text() .. '\n'
  expect(after:find('\n' .. line .. '\n', 1, true), 'the line is `' .. (after:match('[^\n]*match[^\n]*') or '') .. '`')
end)

check('the machine of a playbook is drawn', function()
  go('let incident')
  vim.cmd('CounterplayMachine')
  local drawing, kind = text(), vim.bo.filetype
  vim.cmd('bwipeout!')
  expect(drawing:match('^flowchart '), 'it begins with: ' .. drawing:sub(1, 60))
  expect(drawing:find('intune.wipe(device)', 1, true), 'it lacks the wipe: ' .. drawing)
  expect(kind == 'mermaid', ('the filetype is `%s`'):format(kind))
end)

check('a line is indented by the block that it is in', function()
  local row = go('let incident')
  local lines = { 'match device.platform {', 'ios {', 'wait 1h', '}', '}' }
  vim.api.nvim_buf_set_lines(playbook, row - 1, row - 1, false, lines)
  vim.cmd(('silent normal! %dGV%dj='):format(row, #lines - 1))
  local seen = vim.api.nvim_buf_get_lines(playbook, row - 1, row - 1 + #lines, false)
  vim.api.nvim_buf_set_lines(playbook, row - 1, row - 1 + #lines, false, {})
  local wanted = { '    match device.platform {', '      ios {', '        wait 1h', '      }', '    }' }
  expect(vim.deep_equal(seen, wanted), vim.inspect(seen))
end)

check('the project file is looked after', function()
  vim.cmd('edit! ' .. vim.fn.fnameescape(project .. '/counterplay.toml'))
  local row = go('[teams.leads]')
  vim.api.nvim_buf_set_lines(0, row, row, false, { 'colour = "red"' })
  wait(function()
    return codes() ~= ''
  end, 'an unknown key has no finding')
  vim.api.nvim_buf_set_lines(0, row, row + 1, false, {})
  wait(function()
    return codes() == ''
  end, shown_codes)
end)

check('one server looks after the whole project', function()
  local lines = vim.fn.readfile(pids)
  expect(#lines == 1, ('%d servers were started'):format(#lines))
end)

check('a closed buffer is let go and the server answers on', function()
  local rpc, closed = client().rpc, {}
  local notify = rpc.notify
  rpc.notify = function(method, params)
    if method == 'textDocument/didClose' then
      table.insert(closed, params.textDocument.uri)
    end
    return notify(method, params)
  end
  vim.cmd(('bwipeout! %d'):format(playbook))
  wait(function()
    return #closed == 1 and closed[1]:match('/lost_device%.play$')
  end, function()
    return 'closed are: ' .. table.concat(closed, ', ')
  end)
  vim.cmd('edit ' .. vim.fn.fnameescape(project .. '/playbooks/lost_device.play'))
  go('intune.wipe', 8)
  local answer = ask('textDocument/hover')
  expect(answer and answer.contents.value:find('destructive', 1, true), 'hover does not answer any more')
end)

report:close()
vim.cmd('qall!')
