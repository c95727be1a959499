// The words of the language in, `counterplay.tmLanguage.json` out. Run by `npm run grammar`; a test compares the two.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as words from "./words.mjs";

const any = (list) => `(?:${list.join("|")})`;
const scope = (name) => `${name}.counterplay`;
const include = (...names) => names.map((name) => ({ include: `#${name}` }));
const captures = (...names) =>
  Object.fromEntries(names.flatMap((name, i) => (name ? [[String(i + 1), { name: scope(name) }]] : [])));
const match = (pattern, ...names) => ({ match: pattern, captures: captures(...names) });

/** Where a statement may begin: at the start of a line, or behind the brace of a block. */
const START = String.raw`(?:^|(?<=[{}]))\s*`;
/** Not behind a dot, nor inside of another word. */
const ALONE = String.raw`(?<![.\w])`;
/** Not a name: no dot, colon, bracket or assignment follows. */
const NO_NAME = String.raw`(?!\w|\s*[.:(]|\s*=(?!=))`;
/** Something that can be read follows. */
const OPERAND = String.raw`(?=\s+(?!${any(words.follows)}\b)["\w\[({])`;
/** An item at the left margin: a bracket that was left open does not colour the rest of the file. */
const ITEM = String.raw`(?=^(?:${words.items.join("|")})\s+[A-Za-z_"])`;
/** An interpolation that closes on its line and holds no other brace outside of quotes. */
const HOLE = String.raw`\{(?=(?:[^{}"\\\n]|"(?:\\.|[^"\\{\n])*")*\})`;

const between = (open, close, name, patterns) => ({
  name: scope(name),
  begin: open,
  beginCaptures: { 0: { name: scope("punctuation.section.begin") } },
  end: `(${close})|${ITEM}`,
  endCaptures: captures("punctuation.section.end"),
  patterns,
});

const repository = {
  comments: {
    patterns: [
      {
        name: scope("comment.line.documentation"),
        begin: "///(?!/)",
        end: "$",
        patterns: [{ name: scope("markup.inline.raw"), match: "`[^`\\n]*`" }],
      },
      { name: scope("comment.line.double-slash"), match: "//.*$" },
    ],
  },

  texts: {
    patterns: [
      {
        name: scope("string.quoted.triple"),
        begin: String.raw`"""(?=[ \t]*$)`,
        end: String.raw`^\s*(""")`,
        patterns: include("escapes", "holes"),
      },
      { name: scope("string.quoted.other.raw"), match: String.raw`\br"[^"\n]*"` },
      {
        name: scope("string.quoted.double"),
        begin: '"',
        end: '"|$',
        patterns: include("escapes", "holes"),
      },
    ],
  },
  escapes: {
    patterns: [
      { name: scope("constant.character.escape"), match: String.raw`\\[nt"\\{]` },
      { name: scope("invalid.illegal.escape"), match: String.raw`\\.` },
    ],
  },
  holes: {
    name: scope("meta.interpolation"),
    begin: HOLE,
    beginCaptures: { 0: { name: scope("punctuation.section.interpolation.begin") } },
    end: String.raw`\}`,
    endCaptures: { 0: { name: scope("punctuation.section.interpolation.end") } },
    contentName: scope("meta.embedded.line"),
    patterns: [
      {
        name: scope("string.quoted.double"),
        begin: '"',
        end: '"|$',
        patterns: include("escapes"),
      },
      ...include("bracketed"),
    ],
  },

  numbers: {
    patterns: [
      { name: scope("constant.numeric.time"), match: String.raw`\b\d{1,2}:\d{2}\b(?!:)` },
      { name: scope("constant.numeric.duration"), match: String.raw`\b\d+(?:ms|s|m|h|d)\b` },
      { name: scope("constant.numeric.decimal"), match: String.raw`\b\d+\.\d+\b` },
      { name: scope("constant.numeric.integer"), match: String.raw`\b\d+\b` },
      { name: scope("constant.numeric.invalid"), match: String.raw`\b\d\w+\b` },
    ],
  },

  items: {
    patterns: [
      {
        name: scope("meta.use"),
        begin: String.raw`^(use)\b(?=\s)`,
        beginCaptures: captures("keyword.control.import"),
        end: String.raw`(?<!,)\s*$|(?=//)`,
        patterns: [
          between(String.raw`\(`, String.raw`\)`, "meta.parens", include("comments", "modules")),
          ...include("modules"),
        ],
      },
      {
        name: scope("meta.enum"),
        begin: String.raw`^(enum)\s+(\w+)(?:\s+(ordered))?\s*(\{)`,
        beginCaptures: captures("storage.type", "entity.name.type.enum", "storage.modifier", "punctuation.section.begin"),
        end: String.raw`(\})|${ITEM}`,
        endCaptures: captures("punctuation.section.end"),
        patterns: [
          ...include("comments", "texts"),
          { name: scope("variable.other.enummember"), match: String.raw`\b[A-Za-z_]\w*` },
          { name: scope("keyword.operator.assignment"), match: "=" },
        ],
      },
      {
        name: scope("meta.type"),
        begin: String.raw`^(type)\s+(\w+)\s*(\{)`,
        beginCaptures: captures("storage.type", "entity.name.type", "punctuation.section.begin"),
        end: String.raw`(\})|${ITEM}`,
        endCaptures: captures("punctuation.section.end"),
        patterns: [
          ...include("comments"),
          match(String.raw`(\w+)\s*(:)`, "variable.other.property", "punctuation.separator.colon"),
          ...include("types", "members", "marks"),
        ],
      },
      match(String.raw`^(enum)\s+(\w+)(?:\s+(ordered)\b)?`, "storage.type", "entity.name.type.enum", "storage.modifier"),
      match(String.raw`^(type)\s+(\w+)`, "storage.type", "entity.name.type"),
      match(String.raw`^(playbook)\s+(\w+)`, "storage.type", "entity.name.function.playbook"),
      match(String.raw`^(connection)\s+(\w+)`, "storage.type", "entity.name.namespace"),
      match(String.raw`^(event)\s+(\w+)`, "storage.type", "entity.name.type.event"),
      match(String.raw`^(action|query|steps|define)\s+(\w+)`, "storage.type", "entity.name.function"),
      match(String.raw`^(param)\s+(\w+)\s*(:)`, "storage.type", "variable.other.constant", "punctuation.separator.colon"),
      match(String.raw`^(guard|test)(?=\s+")`, "storage.type"),
    ],
  },
  modules: { patterns: [{ name: scope("entity.name.namespace"), match: String.raw`\b[A-Za-z_]\w*` }] },

  // What stands at the beginning of a line, where it is neither a setting nor the goal of a call.
  lines: {
    patterns: [
      match(
        String.raw`${START}(field|fetched)\s+(\w+)\s*(:)`,
        "storage.type", "variable.other.property", "punctuation.separator.colon",
      ),
      match(
        String.raw`${START}(${any(words.floors)})\s*(:)\s*([A-Z]+)\b`,
        "keyword.other.property", "punctuation.separator.colon", "constant.language.method",
      ),
      // Behind `fires:` and the like the line goes on with words of its own.
      match(
        String.raw`${START}(retry)\s*(:)\s*(for)\b`,
        "keyword.other.property", "punctuation.separator.colon", "keyword.control",
      ),
      match(
        String.raw`${START}(tenants)\s*(:)\s*(all)\b(?:\s+(except)\b)?`,
        "keyword.other.property", "punctuation.separator.colon", "keyword.other", "keyword.other",
      ),
      match(
        String.raw`${START}(${any(words.properties)})\s*(:)`,
        "keyword.other.property", "punctuation.separator.colon",
      ),
      match(
        String.raw`${START}([A-Za-z_]\w*)\s*(:)`,
        "support.type.property-name", "punctuation.separator.colon",
      ),
      match(
        String.raw`${START}(protect)\s+(\w+)\s*(:)`,
        "keyword.control", "variable.parameter", "punctuation.separator.colon",
      ),
      // Tests: what is given, and what is expected.
      match(String.raw`${START}(given)\s+(tenant|webhook|answer)\b(?=\s+")`, "keyword.control", "keyword.other"),
      match(String.raw`${START}(given)\s+(manual|schedule)\b(?=\s+\w)`, "keyword.control", "keyword.other"),
      match(String.raw`${START}(given)\s+(approval|rejection)\b(?=\s+from\b)`, "keyword.control", "keyword.other"),
      match(String.raw`${START}(expect)\s+(never|outcome)\b(?=\s+\w)`, "keyword.control", "keyword.other"),
      match(String.raw`${START}(on)\s+(failure)\b`, "keyword.control", "keyword.control"),
      match(String.raw`${START}(on)(?=\s+[^\s.:=])`, "keyword.control"),
      match(String.raw`${START}(in)\s+(parallel)\b`, "keyword.control", "keyword.control"),
      match(String.raw`${START}(ignore)\s+(repeats)\b`, "keyword.control", "keyword.control"),
      match(String.raw`${START}(resolved)\s+(when)\b`, "keyword.control", "keyword.control"),
      match(
        String.raw`${START}(without)\s+(approval)\b`,
        "keyword.control", "keyword.control",
      ),
      match(String.raw`${START}(end)\s+(run)\b`, "keyword.control", "keyword.control"),
      match(String.raw`${START}(when)\s+(manual)\b(?=\s*\()`, "keyword.control", "keyword.control"),
      match(String.raw`${START}(when)\s+(webhook|schedule)\b(?=\s*")`, "keyword.control", "keyword.control"),
      // `return (a or b)` gives a value; `return(` would be a name.
      match(String.raw`${START}(return)\b(?:(?=\s+\()|${NO_NAME})`, "keyword.control"),
      match(String.raw`${START}(then)(?=\s*(?:\{|//|$))`, "keyword.control"),
      // Names of arms come before statements: `approved { … }`, `present { … }`.
      match(String.raw`${START}(${any(words.arms)})(?=\s*\{)`, "keyword.control.arm"),
      match(
        String.raw`${START}(when|wait|escalate|attempt|match|approve|ask|undo|emit|limit|given|expect)(?=\s+[^\s.:=])`,
        "keyword.control",
      ),
    ],
  },

  phrases: {
    patterns: [
      match(
        String.raw`${ALONE}(every)\s+(${any(words.days)})\s+(at)\b`,
        "keyword.other", "constant.language.day", "keyword.other",
      ),
      match(String.raw`${ALONE}(per)\s+(tenant)\b${NO_NAME}`, "keyword.other", "keyword.other"),
      match(String.raw`${ALONE}(refuse)\s+(more)\s+(than)\b`, ..."ooo".split("").map(() => "keyword.other")),
      match(String.raw`${ALONE}(at)\s+(a)\s+(time)\b${NO_NAME}`, ..."ooo".split("").map(() => "keyword.other")),
      match(String.raw`${ALONE}(at)\s+(most)\b`, "keyword.other", "keyword.other"),
      match(String.raw`${ALONE}(changes)\s+(to)\b`, "keyword.operator.word", "keyword.operator.word"),
      match(String.raw`${ALONE}(once)\s+(per)\b`, "keyword.other", "keyword.other"),
      match(String.raw`${ALONE}(up)\s+(to)\b`, "keyword.other", "keyword.other"),
      match(String.raw`${ALONE}(is)\s+(present|absent)\b`, "keyword.operator.word", "keyword.operator.word"),
      match(String.raw`${ALONE}(starts|ends)\s+(with)\b`, "keyword.operator.word", "keyword.operator.word"),
      match(String.raw`${ALONE}(from)\s+(now)\b`, "keyword.operator.word", "keyword.operator.word"),
      match(String.raw`(?<=[\w)\]])\s+(ago)\b${NO_NAME}`, "keyword.operator.word"),
      match(String.raw`${ALONE}(default)\s+(approve|reject)\b${NO_NAME}`, "keyword.other", "constant.language"),
      match(String.raw`${ALONE}(beyond)\s+(that)\s+(approve)\b`, ..."ooo".split("").map(() => "keyword.other")),
      match(String.raw`${ALONE}(returns|fails)${OPERAND}`, "keyword.other"),
      match(String.raw`${ALONE}(contains|matches)${OPERAND}`, "keyword.operator.word"),
      match(String.raw`${ALONE}(${any(words.before)})${OPERAND}`, "keyword.other"),
    ],
  },

  reserved: {
    patterns: [
      { name: scope("keyword.operator.logical"), match: String.raw`${ALONE}(?:and|or|not)\b` },
      { name: scope("keyword.operator.word"), match: String.raw`${ALONE}(?:in|is)\b` },
      { name: scope("constant.language"), match: String.raw`${ALONE}(?:true|false|now)\b` },
      { name: scope("storage.type"), match: String.raw`${ALONE}let\b` },
      { name: scope("keyword.control"), match: String.raw`${ALONE}(?:if|else|for)\b` },
    ],
  },

  types: {
    patterns: [
      {
        begin: String.raw`\b([A-Z]\w*)(<)(?!=)`,
        beginCaptures: captures("entity.name.type", "punctuation.definition.typeparameters.begin"),
        end: String.raw`(>)|(?=[^\w\s.?<>])|$`,
        endCaptures: captures("punctuation.definition.typeparameters.end"),
        patterns: [...include("types"), { match: String.raw`\w+\.` }],
      },
      { name: scope("entity.name.type"), match: String.raw`(?<!\w)[A-Z]\w*\b` },
    ],
  },

  // After a dot every word is a name.
  members: {
    patterns: [
      match(String.raw`(\??\.)\s*([A-Z]\w*)\b`, "punctuation.accessor", "entity.name.type"),
      match(String.raw`(\??\.)\s*(\w+)(?=\s*\()`, "punctuation.accessor", "entity.name.function"),
      match(String.raw`(\??\.)\s*(\w+)`, "punctuation.accessor", "variable.other.property"),
    ],
  },
  calls: {
    patterns: [
      { name: scope("keyword.other.search"), match: String.raw`${ALONE}${any(words.searches)}(?=\s*\((?:\s*\w+\s+in\b|\s*$))` },
      { name: scope("keyword.other.search"), match: String.raw`${ALONE}${any(words.collects)}(?=\s*\()` },
      { name: scope("variable.language"), match: String.raw`${ALONE}(?:run|tenant|team)(?=\s*\.)` },
      // `module.action(…)`
      { name: scope("entity.name.namespace"), match: String.raw`${ALONE}[a-z_]\w*(?=\.\w+\s*\()` },
      { name: scope("entity.name.function"), match: String.raw`${ALONE}(?!${any(words.reserved)}\b)[a-z_]\w*(?=\()` },
    ],
  },
  names: { patterns: [{ name: scope("variable.other"), match: String.raw`\b[A-Za-z_]\w*\b` }] },

  marks: {
    patterns: [
      { name: scope("keyword.operator.arrow"), match: "->" },
      { name: scope("keyword.operator.coalesce"), match: String.raw`\?\?` },
      { name: scope("keyword.operator.comparison"), match: "==|!=|<=|>=|<|>" },
      { name: scope("keyword.operator.assignment"), match: "=" },
      { name: scope("keyword.operator.arithmetic"), match: String.raw`[-+*/]` },
      { name: scope("keyword.operator.optional"), match: String.raw`\?` },
      { name: scope("punctuation.separator.comma"), match: "," },
      { name: scope("punctuation.separator.colon"), match: ":" },
      { name: scope("punctuation.section.block"), match: "[{}]" },
    ],
  },

  brackets: {
    patterns: [
      between(String.raw`\(`, String.raw`\)`, "meta.parens", include("bracketed")),
      between(String.raw`\[`, String.raw`\]`, "meta.list", include("bracketed")),
    ],
  },

  // Inside of brackets there are no statements, and braces hold Json.
  bracketed: {
    patterns: [
      ...include("comments", "texts", "brackets"),
      between(String.raw`\{`, String.raw`\}`, "meta.json", [
        match(String.raw`([A-Za-z_]\w*)\s*(:)`, "support.type.property-name", "punctuation.separator.colon"),
        ...include("bracketed"),
      ]),
      match(
        String.raw`(?:(on)\s+)?${ALONE}([A-Za-z_]\w*)\s*(:)`,
        "storage.modifier", "variable.parameter", "punctuation.separator.colon",
      ),
      // (if a then b else c)
      { name: scope("keyword.control"), match: String.raw`${ALONE}then${NO_NAME}(?=\s|$)` },
      ...include("numbers", "members", "calls", "phrases", "reserved", "types", "names", "marks"),
    ],
  },
};

const grammar = {
  name: "Counterplay",
  scopeName: "source.counterplay",
  fileTypes: ["play"],
  patterns: include(
    "comments", "texts", "items", "lines", "numbers", "members", "brackets", "calls", "phrases", "reserved", "types", "names", "marks",
  ),
  repository,
};

export const text = `${JSON.stringify(grammar, null, 2)}\n`;
const here = fileURLToPath(import.meta.url);
if (process.argv[1] === here) {
  writeFileSync(new URL("./counterplay.tmLanguage.json", import.meta.url), text);
}
