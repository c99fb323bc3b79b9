//! What the tests of all formats share: digests without a key, and reading a text.

use testudo_model::Finding;

use crate::{Digests, Format, ImportError, Imported, Project, Report, read};

/// Digests that are good enough to tell texts apart.
pub(crate) struct NoDigests;

impl Digests for NoDigests {
    fn identity(&self, parts: &[&str]) -> [u8; 16] {
        // FNV-1a, 128 bits.
        let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
        for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
            hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
        hash.to_be_bytes()
    }

    fn secret(&self, value: &str) -> String {
        testudo_model::hex(&self.identity(&["secret", value]))
    }
}

/// A project below `/srv/app`, read from its root.
pub(crate) fn project() -> Project<'static> {
    Project { roots: vec!["/srv/app".to_owned()], working: "/srv/app".to_owned(), digests: &NoDigests }
}

/// Reads a report, of a named format or of the one that is found.
pub(crate) fn import_as(text: &str, format: &str) -> Result<Vec<Imported>, ImportError> {
    let report = Report { file: "report", bytes: text.as_bytes(), said: Format::named(format) };
    read(&report, &project())
}

/// Reads a report whose format is found.
pub(crate) fn import(text: &str) -> Imported {
    import_as(text, "").unwrap().remove(0)
}

/// One line a finding, as short as a test can compare it; by place, rule and message, where digests decide nothing.
pub(crate) fn lines(imported: &Imported) -> Vec<String> {
    let line = |f: &Finding| {
        let gone = f.suppressed.as_ref().map(|s| format!(" -- {}", s.reason)).unwrap_or_default();
        let path = f.location.path.as_deref().unwrap_or_default();
        format!("{} {} {} {}:{} {}{gone}", f.detector, f.severity, f.rule, path, f.location.line(), f.message)
    };
    let mut all: Vec<&Finding> = imported.findings.iter().collect();
    all.sort_by_key(|f| (&f.location, &f.rule, &f.message, f.suppressed.is_some()));
    all.into_iter().map(line).collect()
}
