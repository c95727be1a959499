" A playbook's text in, its colours without a server out. Words are those of the language where they stand.

if exists("b:current_syntax")
  finish
endif

syn case match

syn match  counterplayComment   "//.*$" contains=counterplayTodo
syn match  counterplayDoc       "///.*$"
syn keyword counterplayTodo     TODO contained

syn region counterplayText      start=+"+ skip=+\\.+ end=+"+ oneline contains=counterplayEscape,counterplayHole
syn region counterplayBlockText start=+"""\s*$+ end=+^\s*"""+ contains=counterplayEscape,counterplayHole
syn region counterplayRaw       start=+r"+ end=+"+ oneline
syn match  counterplayEscape    "\\[nt\"\\{]" contained
syn region counterplayHole      matchgroup=counterplayEscape start="{" end="}" contained oneline contains=counterplayInner,counterplayNumber
syn region counterplayInner     start=+"+ skip=+\\.+ end=+"+ contained oneline

syn match  counterplayNumber    "\<\d\+\(\.\d\+\)\?\(ms\|s\|m\|h\|d\)\?\>"
syn match  counterplayNumber    "\<\d\{1,2}:\d\d\>"

" Items, at the left margin.
syn match  counterplayItem      "^\(use\|type\|enum\|connection\|event\|query\|action\|steps\|define\|playbook\)\>"
" Lines of playbooks and steps, where a line begins.
syn match  counterplayStatement "^\s*\(when\|if\|ignore repeats of\|resolved when\|then\|wait until\|wait\|escalate after\|on failure\|let\|match\|for each\|attempt each\|attempt\|approve\|without approval because\|in parallel\|end run\|return\)\>\ze[^:.(]*"
syn match  counterplayStatement "\(^\s*\|}\s*\)\@<=else\( if\)\?\>"
" Settings and properties.
syn match  counterplaySetting   "^\s\+\h\w*\ze:"
" Words between values.
syn keyword counterplayOperator and or not in is
syn match  counterplayOperator  "\.\@<!\<\(about\|by\|needs\|within\|valid\|default\|unless\|because\|where\|contains\|starts with\|ends with\|ago\|from now\|present\|absent\|refuse more than\|at a time\|at most\|checking every\)\>\ze\([^:]\|$\)"
syn keyword counterplayConstant true false now
syn match  counterplayType      "\<\u\w*\>"
syn match  counterplayCall      "\<\h\w*\.\h\w*\ze("

hi def link counterplayComment   Comment
hi def link counterplayDoc       SpecialComment
hi def link counterplayTodo      Todo
hi def link counterplayText      String
hi def link counterplayBlockText String
hi def link counterplayRaw       String
hi def link counterplayInner     String
hi def link counterplayEscape    SpecialChar
hi def link counterplayNumber    Number
hi def link counterplayItem      Keyword
hi def link counterplayStatement Statement
hi def link counterplaySetting   Identifier
hi def link counterplayOperator  Operator
hi def link counterplayConstant  Constant
hi def link counterplayType      Type
hi def link counterplayCall      Function

let b:current_syntax = "counterplay"
