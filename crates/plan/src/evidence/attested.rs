//! Evidence that somebody vouches for: a file that has not changed since, within its time.

use super::{Outcome, Run, Status, World};
use crate::nouns::{Day, Word};

/// What is vouched for.
pub(super) struct Attestation<'p> {
    pub(super) file: &'p Word,
    pub(super) by: &'p Word,
    pub(super) on: &'p Option<Day>,
    pub(super) expires: &'p Option<Day>,
    pub(super) sha256: &'p Word,
}

impl World<'_> {
    pub(super) fn attested(&self, said: &Attestation<'_>, max_age: Option<u32>) -> Outcome {
        let file = &said.file.text;
        let (Some((on, _)), Some((expires, _))) = (said.on, said.expires) else {
            return Outcome::new(Status::Missing, format!("{file}: nobody says since when and until when"));
        };
        let run =
            Run { tool: said.by.text.clone(), time: on.to_string(), commit: None, place: file.clone(), units: None };
        let outcome = match self.files.sha256(file) {
            None => Outcome::new(Status::Missing, format!("{file}: there is no such file")),
            Some(found) if !found.eq_ignore_ascii_case(&said.sha256.text) => {
                Outcome::new(Status::Failing, format!("{file}: was changed since {} vouched for it", said.by.text))
            }
            Some(_) if *expires < self.today => {
                Outcome::new(Status::Failing, format!("{file}: what {} vouched for ended on {expires}", said.by.text))
            }
            Some(_) if *on > self.today => {
                Outcome::new(Status::Missing, format!("{file}: {} vouches for it from {on} on", said.by.text))
            }
            Some(_) => Outcome::new(
                Status::Satisfied,
                format!("{file}: {} vouches for it from {on} to {expires}, as the plan declares", said.by.text),
            ),
        };
        outcome.seen(run).aged(Some(*on), max_age, self.today)
    }
}
