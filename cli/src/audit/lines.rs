//! The bytes of a file of checkpoints and a key in; those that are signed, and the lines that were cut off or are wrong,
//! out. Pure.

use counterplay_runtime::store::{Checkpoint, PublicKey};

/// How each line begins: the fields stand in the order of their names.
const BEGIN: &str = "{\"at_ms\":";

/// What a file of checkpoints holds. Lines are counted from 1.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The checkpoints that are signed with the key.
    pub signed: Vec<Checkpoint>,
    /// Lines that end before the checkpoint does: writing them was cut off.
    pub torn: Vec<usize>,
    /// Lines that are whole, and not what was signed with the key.
    pub wrong: Vec<usize>,
}

/// Reads a file.
pub fn read(bytes: &[u8], key: &PublicKey) -> Lines {
    let mut out = Lines::default();
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        if line.trim().is_empty() {
            continue;
        }
        if let Some(checkpoint) = signed(&line, key) {
            out.signed.push(checkpoint);
        } else if let Some(checkpoint) = behind(&line, key) {
            out.torn.push(i + 1);
            out.signed.push(checkpoint);
        } else if is_cut(&line) {
            out.torn.push(i + 1);
        } else {
            out.wrong.push(i + 1);
        }
    }
    out
}

fn signed(line: &str, key: &PublicKey) -> Option<Checkpoint> {
    Checkpoint::read(line).filter(|c| c.is_signed_by(key))
}

/// Whether a line is the beginning of a JSON value, and no more. Where power is lost zeros may stand for what was not
/// written.
fn is_cut(line: &str) -> bool {
    let line = line.trim_end_matches('\0');
    serde_json::from_str::<serde_json::Value>(line).is_err_and(|error| error.is_eof())
}

/// A checkpoint that was written right behind a line that had been cut off, as earlier versions did.
fn behind(line: &str, key: &PublicKey) -> Option<Checkpoint> {
    let (cut, whole) = line.split_at(line.rfind(BEGIN)?);
    signed(whole, key).filter(|_| is_cut(cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_runtime::connect::MasterKey;
    use counterplay_runtime::store::Signatory;

    #[test]
    fn lines_that_were_cut_off_are_told_from_wrong_ones() {
        let signatory = Signatory::of(&MasterKey::from_bytes([3; 32]));
        let other = Signatory::of(&MasterKey::from_bytes([4; 32]));
        let [first, second] = [1, 2].map(|seq| signatory.sign("müller", seq, "ab01", 5));
        let (line, next) = (first.line(), second.line());
        let of = |text: &[u8]| {
            let Lines {
                signed,
                torn,
                wrong,
            } = read(text, &signatory.public_key());
            let signed: Vec<i64> = signed.iter().map(|c| c.seq).collect();
            (signed, torn, wrong)
        };
        // Wherever it was cut off, within a letter, too.
        for end in 1..line.len() {
            let torn = [next.as_bytes(), b"\n", &line.as_bytes()[..end]].concat();
            assert_eq!(of(&torn), (vec![2], vec![2], vec![]), "at {end}");
            // What is added then begins a line of its own; earlier versions went on in the same one.
            for between in ["\n", ""] {
                let on = [&line.as_bytes()[..end], between.as_bytes(), next.as_bytes()].concat();
                assert_eq!(of(&on), (vec![2], vec![1], vec![]), "at {end}");
            }
        }
        let zeros = format!("{next}\n{}\0\0\0\n\0\0\n", &line[..9]);
        assert_eq!(of(zeros.as_bytes()), (vec![2], vec![2, 3], vec![]));
        // What is whole and wrong is no accident.
        for wrong in [
            line.replace("ab01", "ab02"),
            other.sign("acme", 1, "ab01", 5).line(),
            "{}".to_owned(),
            "what is this?".to_owned(),
            format!("nonsense{line}"),
        ] {
            let text = format!("{wrong}\n\n{next}\n");
            assert_eq!(of(text.as_bytes()), (vec![2], vec![], vec![1]), "{wrong}");
        }
        assert_eq!(of(b""), (vec![], vec![], vec![]));
    }
}
