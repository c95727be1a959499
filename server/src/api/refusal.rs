//! What engine and store refuse in, problems out.

use crate::problem::Problem;
use counterplay_runtime::engine::{EngineError, RETRY_AFTER_S, Refusal};
use counterplay_runtime::store::{LetterRefused, PromoteRefused, UndoRefused, WordRefused};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let (text, letter) = (refusal.to_string(), refusal.letter());
        let problem = match refusal {
            Refusal::UnknownTenant { .. } | Refusal::UnknownPlaybook { .. } => {
                Problem::not_found(text)
            }
            Refusal::UnknownEvent { .. } | Refusal::UnknownHook { .. } => Problem::not_found(text),
            Refusal::CannotStart(_) => Problem::conflict(text),
            Refusal::Mismatch { ref mismatch, .. } | Refusal::UnfitBody { ref mismatch, .. } => {
                Problem::unprocessable(text)
                    .with("path", &mismatch.path)
                    .with("expected", &mismatch.expected)
                    .with("found", &mismatch.found)
            }
            Refusal::Busy { .. } => Problem::too_many(text, RETRY_AFTER_S.into()),
            Refusal::Stopping => Problem::unavailable(text),
            Refusal::Letter(refused) => refused.into(),
            Refusal::Store(error) => return error.into(),
            _ => Problem::unprocessable(text),
        };
        match letter {
            Some(letter) => problem.with("dead_letter", letter),
            None => problem,
        }
    }
}

impl From<WordRefused> for Problem {
    fn from(refused: WordRefused) -> Problem {
        let text = refused.to_string();
        match refused {
            WordRefused::NoRun(_) => Problem::not_found(text),
            WordRefused::Store(error) => error.into(),
            _ => Problem::conflict(text),
        }
    }
}

impl From<UndoRefused> for Problem {
    fn from(refused: UndoRefused) -> Problem {
        let text = refused.to_string();
        match refused {
            UndoRefused::NoRun(_) => Problem::not_found(text),
            UndoRefused::Store(error) => error.into(),
            _ => Problem::conflict(text),
        }
    }
}

impl From<PromoteRefused> for Problem {
    fn from(refused: PromoteRefused) -> Problem {
        let text = refused.to_string();
        match refused {
            PromoteRefused::NoPlaybook { .. } => Problem::not_found(text),
            PromoteRefused::Store(error) => error.into(),
            _ => Problem::conflict(text),
        }
    }
}

impl From<LetterRefused> for Problem {
    fn from(refused: LetterRefused) -> Problem {
        let text = refused.to_string();
        match refused {
            LetterRefused::NoLetter(_) => Problem::not_found(text),
            LetterRefused::Store(error) => error.into(),
            _ => Problem::conflict(text),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Problem {
        match error {
            EngineError::Store(error) => error.into(),
            other => Problem::unavailable(other.to_string()),
        }
    }
}
