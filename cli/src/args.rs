//! The command line as types: every command, option, help text and exit code.

use crate::audit::args::AuditArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Automated incident response for Microsoft 365: checked playbooks, durable runs.
#[derive(Debug, Parser)]
#[command(
    name = "counterplay",
    version,
    max_term_width = 100,
    after_help = "Examples:
  counterplay demo                                   see it work, in one minute
  counterplay serve --sandbox                        see the whole service, on a made-up tenant
  counterplay check .                                check a project
  counterplay simulate compromised_user --event e.json
  counterplay run events/*.json                      act for real
  counterplay runs --open                            what is under way

Exit codes:
  0  everything is fine
  1  the command worked and found something wrong (errors in a file, a rejected event, a failed run)
  2  the command could not do its work (wrong usage, something unreadable or missing)

COUNTERPLAY_LOG=debug writes what happens inside to standard error; NO_COLOR turns colours off."
)]
pub struct Cli {
    /// When to use colours: auto, always or never
    #[arg(long, global = true, hide_possible_values = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Makes it the choice of the process.
    pub fn apply(self) {
        let choice = match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check playbooks and projects without running anything
    Check(CheckArgs),
    /// Explain a finding by its code, with an example of the mistake and of its mending
    Explain(ExplainArgs),
    /// Show what a playbook would do, on a clock that makes days pass in milliseconds
    Simulate(Box<SimulateArgs>),
    /// Run a project's tests, each on a clock of its own
    Test(TestArgs),
    /// Draw the state machine that a playbook compiles to
    Graph(GraphArgs),
    /// Say what is certain of every run of each playbook, and what is not
    Verify(VerifyArgs),
    /// Write the reference of a project, or of the standard library, from its comments
    Doc(DocArgs),
    /// Write playbooks in the one canonical style
    Fmt(FmtArgs),
    /// Apply the fixes of findings that need no looking at
    Fix(FixArgs),
    /// Show which permissions at which services each playbook needs, and why
    Permissions(PermissionsArgs),
    /// Serve an editor: findings, completion, hover and the rest, over standard input and output
    Lsp(LspArgs),
    /// Take events, start playbooks and act for real on the configured connections
    Run(Box<RunArgs>),
    /// Serve the API and the dashboard, take events and act, until told to stop
    Serve(Box<ServeArgs>),
    /// List runs
    Runs(RunsArgs),
    /// Show one run: its timeline and what it waits for
    Show(ShowArgs),
    /// Approve what a run asks for
    Approve(AnswerArgs),
    /// Reject what a run asks for
    Reject(AnswerArgs),
    /// Answer a question that a run asks a person
    Answer(ChoiceArgs),
    /// Let a held run try its step again
    Resume(WordArgs),
    /// Say what became of a call of which nobody knows whether it was carried out
    Settle(SettleArgs),
    /// End a run; a call that is under way is not stopped by it
    Cancel(CancelArgs),
    /// Begin a run anew on the present version that this Counterplay cannot read
    Move(MoveArgs),
    /// Take back what a run did, in a run of its own, as far as it can be; or show what that would do
    Undo(UndoArgs),
    /// Play a run again with another version of its playbook, and say where that would have decided otherwise
    Replay(ReplayArgs),
    /// Send a project's files to a service, which checks them and runs them, or keeps them for a second person
    Deploy(DeployArgs),
    /// Let a playbook's new version act for every tenant, and not only for those of its canary; or list such versions
    Promote(PromoteArgs),
    /// Stop everything at once, or what is done for a tenant or by a playbook: no call is sent until it is let go on
    Pause(PauseArgs),
    /// Let what was paused go on
    Unpause(UnpauseArgs),
    /// Show whether timers wait because the clock was set or nothing was done for a day, and let them go on
    Clock(ClockArgs),
    /// Keep a line of each run that ended long ago, and drop what it did in detail; the audit trail stays whole
    Archive(ArchiveArgs),
    /// Copy the store into a file, while the service goes on
    Backup(BackupArgs),
    /// Verify, sign and export the audit trail, or forget a person
    Audit(AuditArgs),
    /// Say who may log in to the service, and as what
    User(UserArgs),
    /// Make, list and revoke the API tokens of other programs
    Token(TokenArgs),
    /// Start a made-up Microsoft 365 tenant, service desk, chat and mail to try things on
    Sandbox(SandboxArgs),
    /// See Counterplay contain a compromised account, in one minute
    Demo(DemoArgs),
}

/// `counterplay check`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay check .                        the project in this folder
  counterplay check playbooks/lost.play      one file, read with its project
  counterplay check . --format json          one finding per line, for other programs
  counterplay check . --format github        findings at their lines of a pull request
  counterplay check . --format sarif         for code scanning
  counterplay check . --secrets              also whether each secret can be had where the service will look for it

A file or folder belongs to the nearest counterplay.toml above it. Files without one are checked on their own.
People are shown 20 findings a file, errors first, and how many there are more; json, github and sarif hold all of them.

Exit codes:
  0  no errors (warnings may have been shown)
  1  errors; with --deny-warnings also warnings; with --secrets also a secret that cannot be had
  2  wrong usage, or something cannot be read")]
pub struct CheckArgs {
    /// A .play file, or a folder with a counterplay.toml or .play files
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How findings are written
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub format: CheckFormat,
    /// Exit with 1 when there are warnings, too
    #[arg(long)]
    pub deny_warnings: bool,
    /// Look up every secret that a project names, too, and say which cannot be had and why; no value is shown
    #[arg(long)]
    pub secrets: bool,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// With the source and what to do
    Human,
    /// One line each: path:line:column: error[P0203]: message
    Short,
    /// One JSON object per line
    Json,
    /// Annotations of a GitHub Actions run, at their lines of the pull request
    Github,
    /// A SARIF 2.1.0 document, with the pages about the codes as rules and fixes as replacements
    Sarif,
}

/// `counterplay fmt`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay fmt                            the project around this folder
  counterplay fmt playbooks/lost.play        one file
  counterplay fmt --check                    change nothing, say what would change
  counterplay fmt - <lost.play               standard input to standard output

Comments and blank lines are kept, lines that cannot be read stay as they are, and the meaning never changes.

Exit codes:
  0  everything is formatted
  1  with --check: something would change
  2  wrong usage, or something cannot be read or written")]
pub struct FmtArgs {
    /// .play files and folders, or - for standard input [default: the sources of the project around this folder]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; name the files that would change
    #[arg(long)]
    pub check: bool,
}

/// `counterplay fix`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay fix                            the project around this folder
  counterplay fix playbooks/lost.play        one file, read with its project
  counterplay fix --dry-run                  change nothing, show what would change

Fixes that could change what a playbook does are left to people: `counterplay check` shows them, the editor applies them.

Exit codes:
  0  everything that needs no looking at is fixed; findings may be left
  1  with --dry-run: something would change
  2  wrong usage, or something cannot be read or written")]
pub struct FixArgs {
    /// A .play file, or a folder with a counterplay.toml or .play files [default: the project around this folder]
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// Write nothing; show the changes as a diff
    #[arg(long)]
    pub dry_run: bool,
}

/// `counterplay permissions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay permissions                    every playbook of the project around this folder
  counterplay permissions --tenant contoso   the playbooks that are for one tenant
  counterplay permissions --diff main        what is needed newly (+) or no longer (-) since a git revision
  counterplay permissions --format json      for other programs

They are derived from what the playbooks can call, what confirms and takes that back, and the events they start with.

Exit codes:
  0  shown; with --diff: nothing is needed newly
  1  with --diff: a playbook needs a permission that it did not need
  2  wrong usage, an error in the project, or no such revision")]
pub struct PermissionsArgs {
    /// The project's folder [default: the project around this folder, else the shipped responses]
    #[arg(value_name = "PROJECT")]
    pub project: Option<PathBuf>,
    /// The playbooks that are for this tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// Compare with the project as it was at a git revision: a branch, a tag or a commit
    #[arg(long, value_name = "REV")]
    pub diff: Option<String>,
    /// How they are written
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub format: TextOrJson,
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// `counterplay lsp`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay lsp                            what an editor's settings name as the command

Editors start this themselves: docs/editors.md says how for VS Code, Neovim and others.
It speaks the Language Server Protocol 3.17 over standard input and output, and ends when the editor does.
COUNTERPLAY_LOG=debug writes what happens inside to standard error.

Exit codes:
  0  the editor left in good order
  1  it went away without saying so")]
pub struct LspArgs {
    /// Accepted for editors that pass it; standard input and output are the only way
    #[arg(long)]
    pub stdio: bool,
}

/// `counterplay explain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay explain P0401                  what the finding means, an example, and how to mend it
  counterplay explain                        all codes with their titles

Exit codes:
  0  shown
  2  there is no such code")]
pub struct ExplainArgs {
    /// The code of a finding, such as P0401 [default: list all]
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// Which project.
#[derive(Clone, Debug, Args)]
pub struct ProjectArgs {
    /// The folder with counterplay.toml [default: this folder or the nearest one above that has it]
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,
}

/// `counterplay simulate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay simulate compromised_user --event risk-detection.json
  counterplay simulate stale_account --unanswered
  counterplay simulate lost_device --with device=b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004 --with reason=\"left on a train\" --reject
  counterplay simulate compromised_user --event e.json --answer ticket.is_acknowledged=true
  counterplay simulate stale_account --sandbox       ask a made-up tenant instead of assuming answers

Nothing is changed anywhere: actions are recorded and not performed. Questions to live systems are answered by
--answer, with --live by the systems themselves, else by an assumption that is shown as one. Where no project is
found, the responses that ship are simulated in a built-in one.

Exit codes:
  0  simulated, also when no run would start or a run would fail (the output says so)
  2  cannot be simulated: errors in the project, an unknown playbook, an event or value that does not fit")]
pub struct SimulateArgs {
    /// A playbook's id, a .play file, or FILE.play:ID
    pub playbook: String,
    /// The event that happens: a JSON file, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub event: Option<PathBuf>,
    /// Which event the object is, when its fields do not tell
    #[arg(long, value_name = "NAME", requires = "event")]
    pub event_name: Option<String>,
    /// A value for a start by hand; may be repeated
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "event")]
    pub with: Vec<String>,
    /// Who starts it by hand, by e-mail address
    #[arg(long = "as", value_name = "EMAIL", conflicts_with = "event")]
    pub by: Option<String>,
    /// What a query or action answers: module.query=JSON, or =fails: REASON; may be repeated
    #[arg(long, value_name = "NAME=JSON")]
    pub answer: Vec<String>,
    /// People approve ten minutes after they are asked (the default)
    #[arg(long, group = "people")]
    pub approve: bool,
    /// The first person asked rejects
    #[arg(long, group = "people")]
    pub reject: bool,
    /// Nobody answers
    #[arg(long, group = "people")]
    pub unanswered: bool,
    /// The tenant [default: the first of the project]
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// When it happens, such as 2026-11-20T02:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Ask queries on the configured connections; they only read
    #[arg(long)]
    pub live: bool,
    /// Ask queries of a sandbox in this process
    #[arg(long)]
    pub sandbox: bool,
    /// One JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `counterplay graph`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay graph compromised_user                          Mermaid, for Markdown files and wikis
  counterplay graph stale_account --format dot | dot -Tsvg    a picture, with Graphviz

Exit codes:
  0  drawn
  2  errors in the project, or an unknown playbook")]
pub struct GraphArgs {
    /// A playbook's id, a .play file, or FILE.play:ID
    pub playbook: String,
    /// The language of the drawing
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub format: GraphFormat,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// The language of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Mermaid
    Mermaid,
    /// Graphviz
    Dot,
}

/// `counterplay verify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay verify                         the project around this folder
  counterplay verify examples/lost-device    another one
  counterplay verify --format json           for other programs

For each playbook: that every way ends, and when at the latest; that people approve what does harm, or why nobody is
asked; that everything that is waited for has a limit and an outcome; the most actions that one run can take. Where no
project is found, the responses that ship are looked at. docs/verify.md says what each line means.

Exit codes:
  0  everything is proved; what is accepted without approval is on the record and counts as that
  1  something is not proved
  2  cannot be verified: errors in the project, no playbook in it, or something cannot be read")]
pub struct VerifyArgs {
    /// A project's folder, or a .play file [default: the project around this folder]
    #[arg(value_name = "PROJECT")]
    pub project: Option<PathBuf>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub format: TextOrJson,
}

/// `counterplay doc`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay doc                                    Markdown of the project around this folder
  counterplay doc --format html --out site           site/reference.html, one page that needs nothing else
  counterplay doc --library --format html --out site site/library.html, the standard library

The reference is made from /// comments and declarations: events with their fields, actions with impact, permission and
undo, queries, types, steps, and playbooks with their stages; an example each.

Exit codes:
  0  written
  2  errors in the project, or something cannot be read or written")]
pub struct DocArgs {
    /// A project's folder, or a .play file [default: the project around this folder]
    #[arg(value_name = "PROJECT", conflicts_with = "library")]
    pub project: Option<PathBuf>,
    /// Markdown or HTML
    #[arg(long, value_enum, default_value_t = DocFormat::Markdown)]
    pub format: DocFormat,
    /// The folder that the page is written to [default: standard output]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The standard library in place of a project
    #[arg(long)]
    pub library: bool,
}

/// The language of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DocFormat {
    /// Markdown
    Markdown,
    /// One page of HTML
    Html,
}

/// Which store.
#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
    /// The store [default: .counterplay/store.db in the project, with --sandbox .counterplay/sandbox.db]
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// The file with the master key [default: master.key beside the store]
    #[arg(long, value_name = "FILE")]
    pub master_key: Option<PathBuf>,
    /// Runs against a sandbox; they are kept apart from real ones
    #[arg(long)]
    pub sandbox: bool,
}

/// `counterplay run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay run events/*.json                      take these events and see their runs through
  tail -f feed.jsonl | counterplay run -             take events as they come
  counterplay run                                    go on with the runs that are open
  counterplay run --stay                             also fire schedules, until Ctrl-C
  counterplay run --sandbox --once risk.json         try it on a made-up tenant
  counterplay run --start lost_device --with device=b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004 --with reason=lost --as ana@msp.example

A file holds one JSON object, a list, one object per line, or a page of Graph ({\"value\": [...]}). An accepted event is
never lost and a run survives the end of this process: start `counterplay run` again and it goes on. Ctrl-C stops in
good order; a second one stops at once.

Exit codes:
  0  every event was accepted and no run failed
  1  an event was rejected or a run failed
  2  cannot start: errors in the project, a store that cannot be used, an unknown tenant or playbook")]
#[command(group = clap::ArgGroup::new("by_hand").args(["start", "tick"]).multiple(true))]
pub struct RunArgs {
    /// Files with events; - is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Which event the objects are, when their fields do not tell
    #[arg(long, value_name = "NAME")]
    pub event: Option<String>,
    /// The tenant that events and starts belong to [default: the only one of the project]
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// Start this playbook by hand
    #[arg(long, value_name = "PLAYBOOK")]
    pub start: Option<String>,
    /// A value for --start; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "start")]
    pub with: Vec<String>,
    /// Who starts it, by e-mail address; may not approve in it
    #[arg(long = "as", value_name = "EMAIL", requires = "by_hand")]
    pub by: Option<String>,
    /// Fire this playbook's schedule now
    #[arg(long, value_name = "PLAYBOOK")]
    pub tick: Option<String>,
    /// End as soon as only time or people are waited for
    #[arg(long, conflicts_with = "stay")]
    pub once: bool,
    /// Stay when every run has ended, and fire schedules, until Ctrl-C
    #[arg(long)]
    pub stay: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay serve`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay serve --sandbox                what it is like, on a made-up tenant: open the address that it prints
  counterplay serve                          the project of this folder, on this machine only
  counterplay serve --listen 0.0.0.0:7447 --public-url https://counterplay.msp.example
                                             behind a proxy with TLS
  counterplay serve --accept-deploys         keep the playbooks in the store; deploys come through the API

The first administrator's password is shown once, at the first start; `counterplay user` makes others.

Exit codes:
  0  told to stop, and stopped in good order
  1  stopped, and calls under way were left; the next start settles them
  2  cannot start: wrong usage, a project with errors, an address that is taken")]
pub struct ServeArgs {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7447", value_parser = address)]
    pub listen: SocketAddr,
    /// Where people reach it, for links and cookies [default: http:// and the address]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Keep the playbooks in the store and take deploys through the API; the folder is the first revision
    #[arg(long)]
    pub accept_deploys: bool,
    /// Archive runs so many days after they ended, see `counterplay archive` [default: never]
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub archive_after: Option<u32>,
    /// The first administrator's e-mail address, at the first start [default: admin@localhost]
    #[arg(long, value_name = "EMAIL")]
    pub admin: Option<String>,
    /// Add the signed ends of the audit trail's chains to this file, best on another machine
    #[arg(long, value_name = "FILE")]
    pub checkpoints: Option<PathBuf>,
    /// How the log is written to standard error: text, or a JSON object a line
    #[arg(long, hide_possible_values = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// How a service writes its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// A JSON object a line
    Json,
}

/// `counterplay runs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay runs                           the latest 50
  counterplay runs --open                    what is under way
  counterplay runs --playbook compromised_user --json
  counterplay runs --archived                what is left of those that ended long ago

Exit codes:
  0  listed, also when there are none
  2  the store cannot be read")]
pub struct RunsArgs {
    /// Every run, not only the latest 50
    #[arg(long, conflicts_with = "open")]
    pub all: bool,
    /// Only those that have not ended
    #[arg(long)]
    pub open: bool,
    /// Only those that are archived
    #[arg(long, conflicts_with = "open")]
    pub archived: bool,
    /// Only open ones that this version cannot carry on, and why; while there are any no service starts
    #[arg(long, conflicts_with_all = ["open", "archived", "all"])]
    pub unreadable: bool,
    /// Only those of this playbook
    #[arg(long, value_name = "ID")]
    pub playbook: Option<String>,
    /// One JSON list instead of a table
    #[arg(long)]
    pub json: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay show`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay show r-20261122-abc123
  counterplay show r-20261122-abc123 --json          with the whole journal

Exit codes:
  0  shown
  2  there is no such run, or the store cannot be read")]
pub struct ShowArgs {
    /// The run's id, or its beginning
    pub run: String,
    /// One JSON object with the journal
    #[arg(long)]
    pub json: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay approve` and `counterplay reject`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay approve r-20261122-abc123 --as dana.kim@msp.example --comment \"confirmed by phone\"
  counterplay reject r-20261122-abc123 --as dana.kim@msp.example --comment \"the owner has it in her hands\"

Works while `counterplay run` runs in another process, and also when none does: the answer is kept then.

Exit codes:
  0  the answer counts
  1  it does not: nothing is asked, the run has ended, this person may not answer
  2  there is no such run, or the store cannot be used")]
pub struct AnswerArgs {
    /// The run's id, or the approval's where the run asks several questions
    pub run: String,
    /// Who answers, by e-mail address
    #[arg(long = "as", value_name = "EMAIL")]
    pub by: String,
    /// Why; a rejection needs it
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay test`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay test                          every test of the project in this folder
  counterplay test playbooks/lost.play      the tests of one file
  counterplay test --filter wipe --show     those with \"wipe\" in their title, with their timelines
  counterplay test --accept                 keep the timelines as they are now

A test stands beside its playbook: `test \"…\" { given … expect … }`. It runs the compiled playbook on a virtual
clock; nothing outside is called. Its whole timeline is compared with the one that was kept in the folder
`snapshots` beside its file.

Exit codes:
  0  every test passes
  1  one does not, its timeline differs, or the project has errors
  2  there is nothing to run, or it cannot be read")]
pub struct TestArgs {
    /// A project, a folder or a file; the project around the current folder when left out
    pub path: Option<PathBuf>,
    /// Only tests whose title has this in it
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Keep the timelines as they are now
    #[arg(long)]
    pub accept: bool,
    /// Show the timeline of every test
    #[arg(long)]
    pub show: bool,
    /// One JSON object per test
    #[arg(long)]
    pub json: bool,
}

/// `counterplay answer`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay answer r-20261122-abc123 \"Not me\" --as ana.ortiz@contoso.example

Exit codes:
  0  the answer counts
  1  it does not: nothing is asked, it is none of the answers, this person is not asked
  2  there is no such run, or the store cannot be used")]
pub struct ChoiceArgs {
    /// The run's id, or the question's where the run asks several
    pub run: String,
    /// The answer, as the question offers it
    pub answer: String,
    /// Who answers, by e-mail address
    #[arg(long = "as", value_name = "EMAIL")]
    pub by: String,
    /// More about it
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay resume` and `counterplay cancel`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay resume r-20261122-abc123 --as ana.ortiz@msp.example
  counterplay cancel r-20261122-abc123 --as ana.ortiz@msp.example

Exit codes:
  0  done, or kept until `counterplay run` works on this store again
  1  refused: the run has ended, or is not held
  2  there is no such run, or the store cannot be used")]
pub struct WordArgs {
    /// The run's id, or its beginning
    pub run: String,
    /// Who says so, by e-mail address
    #[arg(long = "as", value_name = "EMAIL")]
    pub by: String,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay cancel`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay cancel r-20261122-abc123 --as ana.ortiz@msp.example
  counterplay cancel r-20261122-abc123 --because \"it was a test\" --as ana.ortiz@msp.example

A run that this version cannot read (`counterplay runs --unreadable`) is ended while no service works on the store; then
--because is needed. What it did is listed, and stays done.

Exit codes:
  0  ended, or kept until an engine works on this store again
  1  refused: the run has ended
  2  there is no such run, wrong usage, or the store cannot be used")]
pub struct CancelArgs {
    /// The run's id, or its beginning
    pub run: String,
    /// Who says so, by e-mail address
    #[arg(long = "as", value_name = "EMAIL")]
    pub by: String,
    /// Why, for those who ask later; in the audit trail
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay move`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay move r-20261122-abc123 --because \"back to 1.4\" --as ana.ortiz@msp.example
  counterplay move r-20261122-abc123 --because \"back to 1.4\" --confirm --as ana.ortiz@msp.example

For runs of `counterplay runs --unreadable`, while no service works on the store. The run is cancelled, and what started it
arrives once more, for its playbook alone: a new run begins with the next start of the service and does everything from the
beginning. What the old run did is listed first; where it did or may have done anything, --confirm says that it may be done
again.

Exit codes:
  0  moved
  1  refused: nothing was changed; it has ended, can be read, or --confirm is needed
  2  there is no such run, wrong usage, or the store cannot be used")]
pub struct MoveArgs {
    /// The run's id, or its beginning
    pub run: String,
    /// Who says so, by e-mail address
    #[arg(long = "as", value_name = "EMAIL")]
    pub by: String,
    /// Why, for those who ask later; in the audit trail
    #[arg(long, value_name = "TEXT")]
    pub because: String,
    /// What the old run did may be done again
    #[arg(long)]
    pub confirm: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay settle`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay settle r-20261122-abc123 7 --done --as ana.ortiz@msp.example
  counterplay settle r-20261122-abc123 7 --done --result '{\"id\": \"2001\", \"number\": \"2001\"}' --as ana.ortiz@msp.example
  counterplay settle r-20261122-abc123 7 --not-done --as ana.ortiz@msp.example

A run is held when a call of it may have been carried out and no answer tells, and doing it twice might do harm. Look at the
service, then say what you found. `counterplay show` names the step. --result is needed where later steps use what the call gives.

Exit codes:
  0  settled, or kept until an engine works on this store again
  1  refused: the step is not held, or its result is needed
  2  there is no such run, or the store cannot be used")]
pub struct SettleArgs {
    /// The run's id, or its beginning
    pub run: String,
    /// The step as `counterplay show` names it, or its action; may be left out where only one is held
    pub step: Option<String>,
    /// What became of the call
    #[command(flatten)]
    pub found: FoundArgs,
    /// With --done, what the call gave, as JSON
    #[arg(long, value_name = "JSON", requires = "done")]
    pub result: Option<String>,
    /// Who says so, by e-mail address
    #[arg(long = "as", value_name = "EMAIL")]
    pub by: String,
    /// More about it
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay undo`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay undo r-20261122-abc123 --plan
  counterplay undo r-20261122-abc123 --as ana.ortiz@msp.example
  counterplay undo r-20261122-abc123 --as ana.ortiz@msp.example --team soc

What cannot be taken back is listed first, with the reason. The rest is taken back newest first, by a run of its own: it asks
the team that [undo] in counterplay.toml names, else the one of --team, else the one that approved in the run; and it asks again
before it touches what is no longer as the run left it, or what another run may need.

Exit codes:
  0  shown, begun, or kept until an engine works on this store
  1  refused: nothing is left to undo, the run is open, simulated, or being undone
  2  there is no such run, wrong usage, or the store cannot be used")]
pub struct UndoArgs {
    /// The run's id, or its beginning
    pub run: String,
    /// Only show what would be done
    #[arg(long)]
    pub plan: bool,
    /// Who wants it, by e-mail address
    #[arg(long = "as", value_name = "EMAIL", required_unless_present = "plan")]
    pub by: Option<String>,
    /// Which team is asked, where counterplay.toml names none
    #[arg(long, value_name = "TEAM")]
    pub team: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay replay`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay replay r-20261122-abc123 --with playbooks/lost_device.play
  counterplay replay r-20261122-abc123 --with draft.play --answer entra.is_admin=false

Nothing is done and nobody is asked: the other version is given what the run was given (its event, what queries answered, what
actions gave, what people said), after the same time. Lines with - are the run's alone, those with + the other version's. Where it
wants to know what nobody told the run, it stops and says so, and whether it would do what the run did later (?) is not known;
--answer gives such an answer.

Exit codes:
  0  the other version decides as the run did
  1  it decides otherwise, or wants to know something else
  2  there is no such run, it is archived, errors in the project, or the store cannot be used")]
pub struct ReplayArgs {
    /// The run's id, or its beginning
    pub run: String,
    /// The other version: a .play file of the project, or one that stands for the project's file with this playbook
    #[arg(long, value_name = "FILE.play")]
    pub with: PathBuf,
    /// What a query or action answers that the run did not call: module.query=JSON, or =fails: REASON; may be repeated
    #[arg(long, value_name = "NAME=JSON")]
    pub answer: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay deploy`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  COUNTERPLAY_TOKEN=cp_... counterplay deploy --url https://counterplay.msp.example
  counterplay deploy --url https://counterplay.msp.example --token-file /run/secrets/counterplay
  counterplay deploy --url http://127.0.0.1:7447 --project ./msp --summary \"Wipe only after two have agreed\"

The project is checked here first, and nothing is sent where it has errors. Then all files that differ from what is deployed go
there together, as one revision; those that are deployed and not here are removed. The service checks them with its own
counterplay.toml, which is not sent. What acts without approval, lowers an impact or loosens a guard waits there for a second
person. The token is that of an author; it is never given on the command line.

Exit codes:
  0  it runs, or nothing differs from what is deployed
  1  refused: errors in the project, here or there; somebody deployed meanwhile; or the service is served from a folder
  2  no token, wrong usage, or the service cannot be reached or does not know the token
  3  it waits for a second person")]
pub struct DeployArgs {
    /// Where the service is, such as https://counterplay.msp.example
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// A file that holds the token [default: the variable COUNTERPLAY_TOKEN has it]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// What changes, in your words, for the list of deploys
    #[arg(long, value_name = "TEXT")]
    pub summary: Option<String>,
    /// How findings are written
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub format: CheckFormat,
    /// What the service answers, as one JSON object
    #[arg(long)]
    pub json: bool,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `counterplay promote`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay promote                                     what acts where
  counterplay promote lost_device --as ana.ortiz@msp.example
  counterplay promote lost_device --version 4f1c09ab --as ana.ortiz@msp.example

Where counterplay.toml says `canary = \"ring0\"`, a new version acts for the tenants of that group only. For all others its runs
are simulated, and the version that was promoted before it goes on acting, until a person promotes the new one. What is promoted
stays so across restarts and deploys; changed content is a version of its own.

Exit codes:
  0  promoted, or listed; the engine that works on this store hears of it at once
  1  refused: it acts everywhere already, or another version is deployed than --version says
  2  there is no such playbook, it has no canary, nothing is deployed, or the store cannot be used")]
pub struct PromoteArgs {
    /// The playbook's id; without it, all that have a canary are listed
    #[arg(value_name = "PLAYBOOK", requires = "by")]
    pub playbook: Option<String>,
    /// The version that you have looked at, or the beginning of it: nothing is promoted where another one is deployed by now
    #[arg(long, value_name = "HASH", requires = "playbook")]
    pub version: Option<String>,
    /// Who promotes it, by e-mail address
    #[arg(long = "as", value_name = "EMAIL", requires = "playbook")]
    pub by: Option<String>,
    /// One JSON object; the list is one of objects
    #[arg(long)]
    pub json: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// What became of a held call.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct FoundArgs {
    /// It was carried out: the run goes on behind it
    #[arg(long)]
    pub done: bool,
    /// It was not carried out: it is sent again
    #[arg(long)]
    pub not_done: bool,
    /// It was not carried out and is not to be sent again: the step fails
    #[arg(long)]
    pub give_up: bool,
}

/// What is paused or let go on.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ScopeArgs {
    /// Everything
    #[arg(long)]
    pub all: bool,
    /// What is done for a tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// What the runs of a playbook do
    #[arg(long, value_name = "PLAYBOOK")]
    pub playbook: Option<String>,
}

/// `counterplay pause`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay pause --all --as ana.ortiz@msp.example --because \"the directory answers nonsense\"
  counterplay pause --tenant contoso --as ana.ortiz@msp.example
  counterplay pause --playbook lost_device --as ana.ortiz@msp.example

The answer comes when nothing of it is under way any more, or after ten seconds, with how much still is. After it no
call, question or message of what is paused is sent, and no list is read, until `counterplay unpause`, across restarts and deploys. Events
are still taken, timers and answers of people still count, and runs stop at their next call.

Exit codes:
  0  paused; or kept until an engine works on this store
  1  paused, and something that was sent before is still without an answer
  2  wrong usage, or the store cannot be used")]
pub struct PauseArgs {
    /// What is paused.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Who says so, by e-mail address
    #[arg(long = "as", value_name = "EMAIL")]
    pub by: String,
    /// Why, for those who ask later
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay unpause`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay unpause --all --as ana.ortiz@msp.example
  counterplay unpause --tenant contoso --as ana.ortiz@msp.example

A tenant that was paused by its name stays paused when --all is let go on.

Exit codes:
  0  it goes on
  1  it was not paused; what is, is named
  2  wrong usage, or the store cannot be used")]
pub struct UnpauseArgs {
    /// What goes on.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Who says so, by e-mail address
    #[arg(long = "as", value_name = "EMAIL")]
    pub by: String,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay clock`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  counterplay clock
  counterplay clock confirm --as ana.ortiz@msp.example

When the clock goes forward or back by more than ten minutes at once, or nothing was done for more than a day, timers of runs, approvals'
ends and schedules wait until a person says that the clock is right. Everything else goes on.

Exit codes:
  0  timers go on
  1  timers wait; for `confirm`: they did not wait
  2  wrong usage, or the store cannot be used"
)]
pub struct ClockArgs {
    /// What to do; without it, whether timers wait is shown.
    #[command(subcommand)]
    pub command: Option<ClockCommand>,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// What to do about the clock.
#[derive(Debug, Subcommand)]
pub enum ClockCommand {
    /// Say that the clock is right: what is overdue is done, ten in a second
    Confirm(ClockConfirmArgs),
}

/// `counterplay clock confirm`.
#[derive(Debug, Args)]
pub struct ClockConfirmArgs {
    /// Who you are, by e-mail address; stands in the audit trail
    #[arg(long = "as", value_name = "EMAIL")]
    pub by: String,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay archive`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay archive --after 90 --as ana.ortiz@msp.example
  counterplay runs --archived

Of each run that ended longer ago a line is kept: id, playbook, tenant, when, how it ended. Its journal, state, messages and events are
dropped and cannot be had again; so are matched events and settled dead letters of that time. The audit trail stays whole. The service goes on
meanwhile. `counterplay serve --archive-after DAYS` does the same by itself.

Exit codes:
  0  archived, also when there was none
  2  wrong usage, the clock is in doubt (counterplay clock), or the store cannot be used")]
pub struct ArchiveArgs {
    /// How many days ago they ended, at least
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub after: u32,
    /// Who you are, by e-mail address; stands in the audit trail
    #[arg(long = "as", value_name = "EMAIL")]
    pub by: String,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay backup`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay backup /backups/counterplay-2026-11-26.db
  counterplay backup --project examples/lost-device --sandbox copy.db

The copy is the store as it stands at one moment: runs, timers, approvals, audit trail, people and tokens. The service need
not be stopped. It is checked before it gets its name, readable by you alone, and never written over another file. To go back to
one, stop the service, move the store with its -wal and -shm files away, and put the copy in its place.

Exit codes:
  0  backed up
  2  there is no store, the file is there already, or it cannot be written")]
pub struct BackupArgs {
    /// The file that is made
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay user`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay user add dana.kim@msp.example --name \"Dana Kim\" --role approver --tenant acme
  counterplay user add ana@msp.example --role administrator --all-tenants
  counterplay user list
  counterplay user reset-password dana.kim@msp.example
  counterplay user disable dana.kim@msp.example

Whoever can write the store's file can do this, logged in or not. It works while the service runs and takes effect at
once. Passwords are made up and shown once, or read from standard input with --password-stdin. docs/security.md says
what each role may do.

Exit codes:
  0  done
  1  refused: the address is taken, the password too weak, the last administrator
  2  there is no such person, something given does not fit, or the store cannot be used")]
pub struct UserArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: UserCommand,
}

/// What to do about people.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Let a person in; the password is shown once
    Add(UserAddArgs),
    /// List everyone who may log in or once might
    List(ListArgs),
    /// Give a person another password and end their sessions
    ResetPassword(PasswordArgs),
    /// Keep a person from logging in and end their sessions
    Disable(PersonArgs),
    /// Let a person who was disabled log in again
    Enable(PersonArgs),
}

/// In which tenants.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = true)]
pub struct TenantArgs {
    /// A tenant; may be repeated
    #[arg(long, value_name = "NAME")]
    pub tenant: Vec<String>,
    /// Every tenant, those of later deploys too
    #[arg(long, conflicts_with = "tenant")]
    pub all_tenants: bool,
}

/// `counterplay user add`.
#[derive(Debug, Args)]
pub struct UserAddArgs {
    /// The person's e-mail address
    #[arg(value_name = "EMAIL")]
    pub email: String,
    /// What colleagues call the person [default: the address]
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// viewer, operator, approver, author or administrator; may be repeated
    #[arg(long, required = true, value_name = "ROLE")]
    pub role: Vec<String>,
    /// In which tenants.
    #[command(flatten)]
    pub tenants: TenantArgs,
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub password_stdin: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay user list` and `counterplay token list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// One JSON list instead of a table
    #[arg(long)]
    pub json: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay user disable` and `counterplay user enable`.
#[derive(Debug, Args)]
pub struct PersonArgs {
    /// The person's e-mail address
    #[arg(value_name = "EMAIL")]
    pub email: String,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay user reset-password`.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// The person's e-mail address
    #[arg(value_name = "EMAIL")]
    pub email: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub password_stdin: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay token`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay token create siem-prod --role source --tenant acme
  counterplay token create reports --role viewer --all-tenants --days 365
  counterplay token list
  counterplay token revoke siem-prod

Whoever can write the store's file can do this. A token is shown once; the store keeps a digest. Programs send it as
`Authorization: Bearer TOKEN`.

Exit codes:
  0  done
  1  refused: a good token has this name already
  2  there is no such token, something given does not fit, or the store cannot be used")]
pub struct TokenArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// What to do about tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown once
    Create(TokenCreateArgs),
    /// List tokens, those that have ended too
    List(ListArgs),
    /// Make a token worthless at once
    Revoke(TokenRevokeArgs),
}

/// `counterplay token create`.
#[derive(Debug, Args)]
pub struct TokenCreateArgs {
    /// What people call it; stands in the audit trail
    #[arg(value_name = "NAME")]
    pub name: String,
    /// viewer, operator, author, administrator, or source: delivers the events of one tenant and nothing else
    #[arg(long, value_name = "ROLE")]
    pub role: String,
    /// In which tenants.
    #[command(flatten)]
    pub tenants: TenantArgs,
    /// For how many days, at most 365
    #[arg(long, value_name = "N", default_value_t = 90)]
    pub days: u32,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay token revoke`.
#[derive(Debug, Args)]
pub struct TokenRevokeArgs {
    /// The token's name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay sandbox`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay sandbox                        until Ctrl-C; look at it with a browser
  counterplay sandbox --port 0 --smtp-port 0 on free ports

Exit codes:
  0  stopped with Ctrl-C
  2  a port is taken")]
pub struct SandboxArgs {
    /// The port for HTTP; 0 takes a free one
    #[arg(long, default_value_t = 4010)]
    pub port: u16,
    /// The port for mail; 0 takes a free one
    #[arg(long, default_value_t = 4011)]
    pub smtp_port: u16,
}

/// `counterplay demo`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay demo                           you answer one approval at the keyboard
  counterplay demo --yes                     it answers by itself, as in CI

Everything happens in this process and a temporary folder; nothing outside is called.

Exit codes:
  0    the tenant ended up as promised
  1    it did not
  2    the demo cannot start
  130  Ctrl-C")]
pub struct DemoArgs {
    /// Answer the approval with yes, without asking
    #[arg(long)]
    pub yes: bool,
    /// No pauses between lines
    #[arg(long, conflicts_with = "pause_ms")]
    pub fast: bool,
    /// The pause between lines [default: 150 on a terminal, else 0]
    #[arg(long, value_name = "N")]
    pub pause_ms: Option<u64>,
}

/// A number of days to keep things.
fn days(text: &str) -> Result<u32, String> {
    let days = text.parse().ok();
    days.filter(|days| (1..=36_500).contains(days))
        .ok_or_else(|| "write a whole number of days from 1 to 36500, such as 90".to_owned())
}

/// An address to listen on.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "write an IP address and a port, such as 127.0.0.1:7447 or [::1]:7447; 0.0.0.0 stands for every address of this machine".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_and_exit_codes() {
        for command in Cli::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                help.contains("Examples:") && help.contains("Exit codes:"),
                "{}",
                command.get_name()
            );
        }
    }
}
