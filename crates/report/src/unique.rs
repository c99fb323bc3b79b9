//! Fingerprints as identifiers for readers that refuse two equal ones.

use std::collections::BTreeMap;

use testudo_model::Finding;

/// Gives each finding its fingerprint, and later findings with the same one a
/// number behind it (`1:ab…/2`), in the order of the report.
#[derive(Debug, Default)]
pub(crate) struct Identifiers<'a> {
    seen: BTreeMap<&'a str, u64>,
}

impl<'a> Identifiers<'a> {
    pub(crate) fn of(&mut self, finding: &'a Finding) -> String {
        let fingerprint = finding.fingerprint.as_str();
        let times = self.seen.entry(fingerprint).or_default();
        *times += 1;
        if *times == 1 { fingerprint.to_owned() } else { format!("{fingerprint}/{times}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn equal_fingerprints_are_told_apart() {
        let finding = &sample::report().findings[0];
        let mut identifiers = Identifiers::default();
        let first = identifiers.of(finding);
        assert_eq!(first, finding.fingerprint.as_str());
        assert_eq!(identifiers.of(finding), format!("{first}/2"));
        assert_eq!(identifiers.of(finding), format!("{first}/3"));
    }
}
