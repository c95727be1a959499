//! What a process asked of its disk, as `strace` wrote it down, in; what the disk holds after a loss of power at some
//! moment out.
//!
//! The model is the strict one of POSIX. What was written to a file is on the disk when an `fsync` of that file began
//! after it and has returned; that a file has a name is on the disk when an `fsync` of its folder did. Of everything else
//! nothing is left, or some of it by chance, the last of it torn.

use crate::sim::chance::Chance;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The calls that are written down.
const CALLS: &str = "openat,close,write,pwrite64,lseek,ftruncate,fallocate,fsync,fdatasync,unlink,unlinkat,rename,renameat,\
     renameat2,link,linkat";

/// The files of a folder by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Reads the files of a folder, those of `ignored` endings left out.
pub fn files(folder: &Path, ignored: &[&str]) -> Files {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && !ignored.iter().any(|end| name.ends_with(end)) {
            files.insert(name, std::fs::read(entry.path()).expect("readable"));
        }
    }
    files
}

/// The command that starts another program so that what it asks of its disk is written to a file.
pub fn written_down(to: &Path) -> Command {
    let mut command = Command::new("strace");
    // `-D`: what is started is our child, and not a child of strace; it can be killed.
    command.args(["-D", "-f", "-q", "--seccomp-bpf", "-ttt", "-T", "-y", "-xx"]);
    command.args(["-s", "1000000", "-e", &format!("trace={CALLS}"), "-o"]);
    command.arg(to).arg("--");
    command
}

/// What is left of what was not yet on the disk when power was lost.
#[derive(Debug)]
pub enum Left<'a> {
    /// Nothing.
    Nothing,
    /// Some of it by chance, the last one of a file torn.
    Some(&'a mut Chance),
}

/// A span of time, in microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    end: u64,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

/// A name that is given or taken away, or both at once.
#[derive(Debug)]
struct Naming {
    span: Span,
    set: Option<(String, usize)>,
    unset: Option<String>,
}

#[derive(Debug, Default)]
struct File {
    first: Vec<u8>,
    changes: Vec<(Span, Change)>,
    syncs: Vec<Span>,
}

/// Everything that was asked of one folder's files, over one or several lives of a process.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    files: Vec<File>,
    first: BTreeMap<String, usize>,
    names: BTreeMap<String, usize>,
    namings: Vec<Naming>,
    folder_syncs: Vec<Span>,
}

impl Disk {
    /// A folder with these files, all of it on the disk.
    pub fn of(folder: &Path, files: Files) -> Disk {
        let mut disk = Disk {
            folder: folder.to_owned(),
            files: Vec::new(),
            first: BTreeMap::new(),
            names: BTreeMap::new(),
            namings: Vec::new(),
            folder_syncs: Vec::new(),
        };
        for (name, first) in files {
            disk.first.insert(name, disk.files.len());
            disk.files.push(File {
                first,
                ..File::default()
            });
        }
        disk.names = disk.first.clone();
        disk
    }

    /// Adds what one process asked for. What lies in another folder, and files with these endings, are left out.
    pub fn add(&mut self, trace: &str, ignored: &[&str]) {
        // By number: which file it is, and where the next `write` goes.
        let mut open: HashMap<i64, (usize, usize)> = HashMap::new();
        for call in calls(trace) {
            self.call(&call, &mut open, ignored);
        }
    }

    /// The name of a file in this folder; `None` for what does not matter.
    fn name(&self, path: &[u8], ignored: &[&str]) -> Option<String> {
        let path = PathBuf::from(String::from_utf8_lossy(path).into_owned());
        let path = self.folder.join(path);
        let name = path.file_name()?.to_string_lossy().into_owned();
        let counts =
            path.parent() == Some(&self.folder) && !ignored.iter().any(|e| name.ends_with(e));
        counts.then_some(name)
    }

    fn call(&mut self, call: &Call, open: &mut HashMap<i64, (usize, usize)>, ignored: &[&str]) {
        let Some(result) = call.result else { return };
        let span = call.span;
        let number = |n: usize| call.numbers.get(n).copied().unwrap_or(0);
        let size = |n: usize| usize::try_from(number(n)).unwrap_or(0);
        match call.name.as_str() {
            "openat" => {
                open.remove(&result);
                let Some(name) = self.name(&call.texts[0], ignored) else {
                    return;
                };
                let makes = call.flags.contains("O_CREAT");
                let file = match self.names.get(&name) {
                    Some(file) => *file,
                    None if makes => {
                        let file = self.files.len();
                        self.files.push(File::default());
                        self.named(span, Some((name, file)), None);
                        file
                    }
                    None => return,
                };
                if call.flags.contains("O_TRUNC") {
                    self.files[file].changes.push((span, Change::Length(0)));
                }
                open.insert(result, (file, 0));
            }
            "close" => {
                open.remove(&number(0));
            }
            "write" => {
                if let Some((file, at)) = open.get_mut(&number(0)) {
                    let bytes = written(call, result);
                    let change = Change::Write { at: *at, bytes };
                    self.files[*file].changes.push((span, change));
                    *at += usize::try_from(result).unwrap_or(0);
                }
            }
            "pwrite64" => {
                if let Some((file, _)) = open.get(&number(0)) {
                    let bytes = written(call, result);
                    let at = size(call.numbers.len() - 1);
                    let change = Change::Write { at, bytes };
                    self.files[*file].changes.push((span, change));
                }
            }
            "lseek" => {
                if let Some((_, at)) = open.get_mut(&number(0)) {
                    *at = usize::try_from(result).unwrap_or(0);
                }
            }
            "ftruncate" => {
                if let Some((file, _)) = open.get(&number(0)) {
                    let change = Change::Length(size(1));
                    self.files[*file].changes.push((span, change));
                }
            }
            "fallocate" => assert!(
                !open.contains_key(&number(0)),
                "space is reserved, which is not modelled"
            ),
            "fsync" | "fdatasync" => {
                if let Some((file, _)) = open.get(&number(0)) {
                    self.files[*file].syncs.push(span);
                } else if call.texts.is_empty() && call.place.as_deref() == self.folder.to_str() {
                    self.folder_syncs.push(span);
                }
            }
            "unlink" | "unlinkat" => {
                if let Some(name) = self.name(&call.texts[0], ignored) {
                    self.named(span, None, Some(name));
                }
            }
            "rename" | "renameat" | "renameat2" | "link" | "linkat" => {
                let from = self.name(&call.texts[0], ignored);
                let to = self.name(&call.texts[1], ignored);
                let file = from.as_ref().and_then(|from| self.names.get(from)).copied();
                let set = to.zip(file);
                self.named(span, set, from.filter(|_| call.name.starts_with("rename")));
            }
            _ => {}
        }
    }

    fn named(&mut self, span: Span, set: Option<(String, usize)>, unset: Option<String>) {
        let naming = Naming { span, set, unset };
        naming.apply(&mut self.names);
        self.namings.push(naming);
    }

    /// When something was asked for or done, in microseconds since the Unix epoch, in order.
    pub fn moments(&self) -> Vec<u64> {
        let files = self.files.iter();
        let changed = files.clone().flat_map(|f| f.changes.iter().map(|(s, _)| s));
        let synced = files.flat_map(|f| f.syncs.iter());
        let named = self.namings.iter().map(|n| &n.span);
        let all = changed.chain(synced).chain(named).chain(&self.folder_syncs);
        let mut moments: Vec<u64> = all.flat_map(|span| [span.start, span.end]).collect();
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    /// Forgets that anything was ever said to be on the disk: what a program that never calls `fsync` would leave.
    pub fn without_syncs(&mut self) {
        self.folder_syncs.clear();
        for file in &mut self.files {
            file.syncs.clear();
        }
    }

    /// What the folder holds when power was lost at a moment, in microseconds since the Unix epoch.
    pub fn at(&self, moment: u64, mut left: Left<'_>) -> Files {
        let safe = until(&self.folder_syncs, moment);
        let mut names = self.first.clone();
        for naming in &self.namings {
            if naming.span.start <= moment && (naming.span.end <= safe || left.keeps()) {
                naming.apply(&mut names);
            }
        }
        let file = |number: usize, left: &mut Left<'_>| {
            let file = &self.files[number];
            let safe = until(&file.syncs, moment);
            let begun = file.changes.iter().filter(|(s, _)| s.start <= moment);
            let kept: Vec<(bool, &Change)> = begun
                .map(|(span, change)| (span.end <= safe, change))
                .filter(|(safe, _)| *safe || left.keeps())
                .collect();
            let last = kept.iter().rposition(|(safe, _)| !safe);
            let mut bytes = file.first.clone();
            for (number, (_, change)) in kept.into_iter().enumerate() {
                match (change, &mut *left) {
                    (Change::Write { at, bytes: all }, Left::Some(draw))
                        if Some(number) == last =>
                    {
                        put(&mut bytes, *at, &all[..draw.below(all.len() + 1)]);
                    }
                    _ => change.apply(&mut bytes),
                }
            }
            bytes
        };
        names
            .into_iter()
            .map(|(name, number)| (name, file(number, &mut left)))
            .collect()
    }
}

impl Left<'_> {
    fn keeps(&mut self) -> bool {
        match self {
            Left::Nothing => false,
            Left::Some(draw) => draw.bits() % 2 == 0,
        }
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        if let Some(name) = &self.unset {
            names.remove(name);
        }
        if let Some((name, file)) = &self.set {
            names.insert(name.clone(), *file);
        }
    }
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Change::Write { at, bytes } => put(file, *at, bytes),
            Change::Length(length) => file.resize(*length, 0),
        }
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at..end].copy_from_slice(bytes);
}

/// What was done until this moment is on the disk: the latest beginning of an `fsync` that has returned.
fn until(syncs: &[Span], moment: u64) -> u64 {
    let done = syncs.iter().filter(|sync| sync.end <= moment);
    done.map(|sync| sync.start).max().unwrap_or(0)
}

fn written(call: &Call, result: i64) -> Vec<u8> {
    let mut bytes = call.texts[0].clone();
    bytes.truncate(usize::try_from(result).unwrap_or(0));
    bytes
}

/// One call, as strace wrote it down.
#[derive(Debug, Default)]
struct Call {
    name: String,
    span: Span,
    /// Its texts, in order.
    texts: Vec<Vec<u8>>,
    /// Its numbers, in order; the first is that of a file.
    numbers: Vec<i64>,
    flags: String,
    /// The path behind its first number.
    place: Option<String>,
    /// What it gave; `None` where it failed or did not return.
    result: Option<i64>,
}

impl Default for Span {
    fn default() -> Span {
        Span {
            start: 0,
            end: u64::MAX,
        }
    }
}

/// The calls of a trace in the order in which they began.
fn calls(trace: &str) -> Vec<Call> {
    let mut begun: HashMap<&str, (usize, &str)> = HashMap::new();
    let mut calls: Vec<(usize, Call)> = Vec::new();
    for (line_number, line) in trace.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(first) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, (line_number, first));
        } else if let Some((_, last)) = rest.split_once(" resumed>") {
            if let Some((number, first)) = begun.remove(thread) {
                calls.extend(call(first, last).map(|call| (number, call)));
            }
        } else {
            calls.extend(call(rest, "").map(|call| (line_number, call)));
        }
    }
    // What did not return may have been done nevertheless.
    for (number, first) in begun.into_values() {
        calls.extend(call(first, "").map(|call| (number, call)));
    }
    calls.sort_by_key(|(number, _)| *number);
    calls.into_iter().map(|(_, call)| call).collect()
}

/// Reads `1795684663.408622 pwrite64(3</a/b>, "text", 5, 0) = 5 <0.000055>`, which may be in two parts.
fn call(first: &str, last: &str) -> Option<Call> {
    let (time, rest) = first.split_once(' ')?;
    let (name, arguments) = rest.split_once('(')?;
    let mut call = Call {
        name: name.to_owned(),
        ..Call::default()
    };
    call.span.start = micros(time)?;
    let mut rest = arguments;
    let mut returned = false;
    let mut more = Some(last);
    loop {
        let Some(next) = rest.chars().next() else {
            match more.take() {
                Some(part) => rest = part,
                None => break,
            }
            continue;
        };
        match next {
            '"' => {
                let (text, after) = rest[1..].split_once('"')?;
                call.texts.push(unescaped(text)?);
                rest = after;
            }
            '<' => {
                let (text, after) = rest[1..].split_once('>')?;
                if returned {
                    call.span.end = call.span.start + micros(text).unwrap_or(0);
                } else if call.place.is_none() {
                    call.place = unescaped(text).and_then(|t| String::from_utf8(t).ok());
                }
                rest = after;
            }
            '=' if !returned => {
                returned = true;
                let said = rest[1..].trim_start();
                let end = said
                    .find(|c: char| !c.is_ascii_digit() && c != '-')
                    .unwrap_or(said.len());
                call.result = said[..end].parse().ok().filter(|n| *n >= 0);
                rest = &said[end..];
                if let Some(after) = rest.strip_prefix('<')
                    && !call.name.is_empty()
                    && call.name == "openat"
                {
                    // The path of what was opened.
                    rest = after.split_once('>')?.1;
                }
            }
            '0'..='9' | '-' if !returned => {
                let end = rest[1..].find(|c: char| !c.is_ascii_alphanumeric());
                let end = end.map_or(rest.len(), |end| end + 1);
                call.numbers.extend(rest[..end].parse::<i64>().ok());
                rest = &rest[end..];
            }
            'A'..='Z' if !returned => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '|');
                let end = end.unwrap_or(rest.len());
                call.flags.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            _ => rest = &rest[next.len_utf8()..],
        }
    }
    if call.result.is_none() && call.span.end == u64::MAX && !returned {
        // It was under way when the process ended: what it wrote may be there, as if it had written all.
        let whole = call.texts.first().map_or(0, Vec::len);
        call.result =
            matches!(name, "write" | "pwrite64").then(|| i64::try_from(whole).unwrap_or(0));
    }
    Some(call)
}

/// `1795684663.408622` in microseconds.
fn micros(seconds: &str) -> Option<u64> {
    let (whole, part) = seconds.split_once('.')?;
    let part: u64 = format!("{part:0<6}").get(..6)?.parse().ok()?;
    Some(whole.parse::<u64>().ok()? * 1_000_000 + part)
}

/// Bytes that are written as `\x68\x69`, and others as they are.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = Vec::with_capacity(text.len() / 4);
    let mut rest = text.as_bytes();
    while let Some(first) = rest.first() {
        match rest {
            [b'\\', b'x', high, low, after @ ..] => {
                out.push(digit(*high)? * 16 + digit(*low)?);
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = &rest[1..];
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = r#"7 100.000000 openat(AT_FDCWD</w>, "\x61", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3</w/a> <0.000010>
7 101.000000 pwrite64(3</w/a>, "\x68\x69", 2, 1) = 2 <0.000010>
7 102.000000 fsync(3</w/a> <unfinished ...>
8 102.100000 openat(AT_FDCWD</w>, "/w", O_RDONLY) = 4</w> <0.000010>
7 102.500000 <... fsync resumed>) = 0 <0.500000>
8 103.000000 fsync(4</w>) = 0 <0.500000>
7 104.000000 pwrite64(3</w/a>, "\x7a\x7a\x7a", 3, 0) = 3 <0.000010>
7 105.000000 unlink("/w/a") = 0 <0.000010>
7 106.000000 +++ killed by SIGKILL +++
"#;

    #[test]
    fn only_what_was_synced_is_left() {
        let mut disk = Disk::of(Path::new("/w"), Files::new());
        disk.add(TRACE, &[]);
        let at = |tenths: u64| disk.at(tenths * 100_000, Left::Nothing);
        let held = |bytes: &[u8]| Files::from([("a".to_owned(), bytes.to_vec())]);
        assert_eq!(at(1_030), Files::new(), "the name is not on the disk");
        assert_eq!(at(1_035), held(b"\0hi"));
        assert_eq!(at(2_000), held(b"\0hi"), "neither written nor removed");
        let mut lucky = Vec::new();
        for seed in 0..64 {
            lucky.push(disk.at(200_000_000, Left::Some(&mut Chance::seeded(seed))));
        }
        for some in [Files::new(), held(b"\0hi"), held(b"zzz"), held(b"zhi")] {
            assert!(lucky.contains(&some), "{some:?}");
        }
        disk.without_syncs();
        assert_eq!(disk.at(200_000_000, Left::Nothing), Files::new());
    }
}
