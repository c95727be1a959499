" A file's name in, its filetype out: `*.play` is `counterplay`.
" SPDX-License-Identifier: Apache-2.0
au BufRead,BufNewFile *.play setfiletype counterplay
