" A playbook's text in, its colours out, without a server. The words are those of grammar/play.pest.
" SPDX-License-Identifier: Apache-2.0
if exists('b:current_syntax')
  finish
endif

syn case match
syn sync minlines=200

" Names of modules, calls and types.
syn match counterplayCall "\<\h\w*\ze("
syn match counterplayType "\<\u\w*\>"

" `name:` of a property, a setting, a field or an argument.
syn match counterplayKey "\<\h\w*\ze\s*:\%(\s\|$\)"

" Words that hold everywhere, except as a field behind a dot or as a key.
syn match counterplayOperator "\.\@1<!\<\%(and\|or\|not\|in\|is\|contains\|matches\)\>\%(\s*[:.(]\)\@!"
syn match counterplayOperator "\.\@1<!\<not\ze\s*("
syn match counterplayOperator "\<\%(starts\|ends\)\s\+with\>"
syn match counterplayConditional "\.\@1<!\<\%(if\|then\|else\|let\|for\)\>\%(\s*:\)\@!"
syn match counterplayConstant "\.\@1<!\<\%(true\|false\|now\)\>\%(\s*:\)\@!"
syn match counterplayConstant "\%(\<is\s\+\)\@<=\%(present\|absent\)\>"
syn match counterplayConstant "\%([=:,]\s*\|\<\%(then\|else\)\s\+\)\@<=absent\>"
syn match counterplayOperator "\%(\<\d\+\%(ms\|[smhd]\)\s\+\)\@<=\%(ago\|from\s\+now\)\>"

" Words that join the parts of a line: a name cannot stand there, because another operand follows.
syn match counterplayClause "\%(\s\)\@1<=\%(as\|each\|of\|for\|when\|after\|unless\|until\|at\|most\|every\|checking\|about\|by\|needs\|within\|valid\|default\|because\|approval\|where\|from\|up\|to\|per\|once\|only\|on\|repeats\|refuse\|more\|than\|changes\|except\|group\|run\)\>\ze\s\+\%(\%(and\|or\|in\|is\|contains\|matches\|starts\|ends\)\>\)\@!\%(\w\|[\"(\[]\)"
syn match counterplayClause "\%(\<per\s\+\)\@<=tenant\>"
syn match counterplayClause "\%(\<wait\s\+\)\@<=until\>"
syn match counterplayClause "\%(\<in\s\+\)\@<=parallel\>"
syn match counterplayClause "\%(\<on\s\+\)\@<=failure\>"
syn match counterplayClause "\%(\<end\s\+\)\@<=run\>"
syn match counterplayClause "\%(\<at\s\+a\s\+\)\@<=time\>"
syn match counterplayClause "\%(\<attempt\s\+\)\@<=each\>"
syn match counterplayClause "\%(\<given\s\+\)\@<=\%(tenant\|webhook\|answer\)\ze\s\+\""
syn match counterplayClause "\%(\<given\s\+\)\@<=\%(manual\|schedule\)\ze\s\+\h"
syn match counterplayClause "\%(\<given\s\+\)\@<=\%(approval\|rejection\)\ze\s\+from\>"
syn match counterplayClause "\%(\<expect\s\+\)\@<=\%(never\|outcome\)\ze\s\+\h"
syn match counterplayClause "\%(\s\)\@1<=\%(returns\|fails\)\>\ze\s\+[^:=]"
syn match counterplayClause "\<beyond\s\+that\s\+approve\>"
syn match counterplayClause "\<ordered\ze\s*{"

" Words that begin a line, or what stands in braces on one line.
syn match counterplayDeclaration "^\s*\zs\%(use\|type\|enum\|connection\|event\|action\|query\|steps\|define\|param\|playbook\)\ze\s\+\h"
syn match counterplayDeclaration "^\%(guard\|test\)\ze\s\+\""
syn match counterplayStatement "\%(^\s*\|[{}]\s*\)\@<=\%(when\|ignore\|resolved\|wait\|escalate\|attempt\|match\|approve\|ask\|undo\|emit\|protect\|limit\|given\|expect\|without\|end\|return\|on\|field\|fetched\|in\)\>\%(\s*[:.(,=]\)\@!"
syn match counterplayStatement "^\s*\zsreturn\s*$"
syn match counterplayArm "\%(^\s*\|[{}]\s*\)\@<=\%(done\|failed\|approved\|rejected\|unanswered\|met\|came\|timed_out\|present\|absent\)\ze\s*{"

" `impact: destructive` and the floors of a connection.
syn match counterplayImpact "\%(\<impact:\s*\)\@<=\%(destructive\|disruptive\|reversible\|notify\|reads\)\>"
syn match counterplayImpact "^\s*\zs\%(destructive\|disruptive\|reversible\|notify\|reads\)\ze\s*:\s*\u\+\s"

" Numbers, durations and times of day.
syn match counterplayNumber "\<\d\+\%(\.\d\+\)\?\>"
syn match counterplayDuration "\<\d\+\%(ms\|[smhd]\)\>"
syn match counterplayDuration "\<\d\{1,2}:\d\d\>"

" Texts: with holes that hold code, over several lines, and raw.
syn match counterplayEscape contained "\\[nt\"\\{]"
syn region counterplayHole contained oneline matchgroup=counterplayBrace start="{" end="}" contains=counterplayHoleText,counterplayCall,counterplayType,counterplayOperator,counterplayConditional,counterplayConstant,counterplayNumber,counterplayDuration
syn region counterplayHoleText contained oneline start=+"+ skip=+\\.+ end=+"+ contains=counterplayEscape
syn region counterplayText oneline start=+"+ skip=+\\.+ end=+"+ contains=counterplayEscape,counterplayHole
syn region counterplayText start=+"""\s*$+ end=+^\s*"""+ keepend contains=counterplayEscape,counterplayHole
syn region counterplayRaw oneline start=+\<r"+ end=+"+

syn match counterplayComment "//.*$" contains=counterplayTodo,@Spell
syn match counterplayDoc "///.*$" contains=counterplayTodo,@Spell
syn keyword counterplayTodo contained TODO FIXME XXX

hi def link counterplayCall Function
hi def link counterplayType Type
hi def link counterplayKey Identifier
hi def link counterplayOperator Operator
hi def link counterplayConditional Conditional
hi def link counterplayConstant Constant
hi def link counterplayClause Keyword
hi def link counterplayDeclaration Structure
hi def link counterplayStatement Statement
hi def link counterplayArm Label
hi def link counterplayImpact PreProc
hi def link counterplayNumber Number
hi def link counterplayDuration Number
hi def link counterplayEscape SpecialChar
hi def link counterplayBrace Delimiter
hi def link counterplayText String
hi def link counterplayHoleText String
hi def link counterplayRaw String
hi def link counterplayComment Comment
hi def link counterplayDoc SpecialComment
hi def link counterplayTodo Todo

let b:current_syntax = 'counterplay'
