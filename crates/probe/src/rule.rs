//! The rules: one row each. What a rule is about, why it matters and how to fix it stands in its document under
//! `rules/probe`, which also holds the cases of rules that look at one answer.

use sha2::{Digest as _, Sha256};
use testudo_model::{Confidence, DetectorId, Persona, RuleInfo, Severity, hex};

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Identifier.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Harm if a finding is true.
    pub severity: Severity,
    /// From which persona on it is shown.
    pub persona: Persona,
    cwe: &'static [u32],
    owasp: &'static [&'static str],
    /// Documentation, in Markdown.
    pub help: &'static str,
}

macro_rules! rules {
    ($($id:literal, $title:literal, $severity:ident, $persona:ident, $cwe:expr, $owasp:expr;)+) => {
        /// Every rule, sorted by id.
        pub const RULES: &[Rule] = &[$(Rule {
            id: $id,
            title: $title,
            severity: Severity::$severity,
            persona: Persona::$persona,
            cwe: &$cwe,
            owasp: $owasp,
            help: include_str!(concat!("../../../rules/probe/", $id, ".md")),
        },)+];
    };
}

const ACCESS: &[&str] = &["A01:2021", "A01:2025"];
const CONFIGURATION: &[&str] = &["A05:2021", "A02:2025"];
const CRYPTOGRAPHY: &[&str] = &["A02:2021", "A04:2025"];
const INJECTION: &[&str] = &["A03:2021", "A05:2025"];
const EXCEPTIONS: &[&str] = &["A04:2021", "A10:2025"];

rules! {
    "probe-api-schema-mismatch", "Answer of an API does not fit its description", Low, Pedantic, [1059], CONFIGURATION;
    "probe-api-server-error", "Unexpected input makes the server fail", Medium, Regular, [20, 755], EXCEPTIONS;
    "probe-api-undocumented-status", "API answers with a status that its description does not name", Low, Pedantic, [1059], CONFIGURATION;
    "probe-command-injection", "Input is run as a command of the server", Critical, Regular, [78], INJECTION;
    "probe-content-type-options", "Browsers may guess the type of an answer", Low, Regular, [693], CONFIGURATION;
    "probe-cookie-httponly", "Scripts can read a session cookie", Medium, Regular, [1004], CONFIGURATION;
    "probe-cookie-prefix", "Cookie breaks the promise of its prefix", Medium, Regular, [1275, 614], CONFIGURATION;
    "probe-cookie-samesite", "Cookie goes along with requests from other sites", Low, Regular, [1275], ACCESS;
    "probe-cookie-secure", "Cookie may travel in clear text", Medium, Regular, [614], CONFIGURATION;
    "probe-cors-credentials", "Any site may read answers with the user's credentials", High, Regular, [942], CONFIGURATION;
    "probe-csp-missing", "Page without a Content-Security-Policy", Medium, Regular, [693, 1021], CONFIGURATION;
    "probe-csp-weak", "Content-Security-Policy lets injected scripts run", Low, Regular, [693], CONFIGURATION;
    "probe-directory-listing", "Web server lists the files of a folder", Medium, Regular, [548], ACCESS;
    "probe-exposed-actuator", "Management endpoints are open to everybody", High, Regular, [200, 497], CONFIGURATION;
    "probe-exposed-api-description", "Description of the API is open to everybody", Info, Auditor, [200], CONFIGURATION;
    "probe-exposed-backup", "Backup or dump can be downloaded", High, Regular, [530], CONFIGURATION;
    "probe-exposed-ds-store", "Folder index of macOS can be downloaded", Low, Regular, [538], CONFIGURATION;
    "probe-exposed-environment", "File with settings and secrets can be downloaded", Critical, Regular, [538, 200], CONFIGURATION;
    "probe-exposed-git", "Git repository can be downloaded", High, Regular, [527], CONFIGURATION;
    "probe-exposed-phpinfo", "phpinfo() is open to everybody", Medium, Regular, [200, 497], CONFIGURATION;
    "probe-exposed-server-status", "Status page of the web server is open to everybody", Medium, Regular, [200], CONFIGURATION;
    "probe-frame-protection", "Other sites may show the page in a frame", Medium, Regular, [1021], CONFIGURATION;
    "probe-hsts-missing", "Browsers are not told to stay with https", Medium, Regular, [319], CRYPTOGRAPHY;
    "probe-open-redirect", "Input decides to which site visitors are sent", Medium, Regular, [601], ACCESS;
    "probe-path-traversal", "Input opens files of the server", High, Regular, [22], ACCESS;
    "probe-plain-http", "Application is served in clear text", Medium, Regular, [319], CRYPTOGRAPHY;
    "probe-referrer-policy", "Whole addresses may go to other sites as referrers", Low, Regular, [200], CONFIGURATION;
    "probe-server-banner", "Answers name the version of a server program", Low, Regular, [200], CONFIGURATION;
    "probe-sql-injection-boolean", "Input changes the meaning of a database query", Critical, Regular, [89], INJECTION;
    "probe-sql-injection-error", "Input breaks a database query", Critical, Regular, [89], INJECTION;
    "probe-stack-trace", "Answer shows a stack trace", Medium, Regular, [209], EXCEPTIONS;
    "probe-tls-certificate-expired", "Certificate is not valid today", High, Regular, [298], CRYPTOGRAPHY;
    "probe-tls-certificate-expires", "Certificate ends within two weeks", Low, Regular, [298], CRYPTOGRAPHY;
    "probe-tls-certificate-name", "Certificate is for another host", High, Regular, [297], CRYPTOGRAPHY;
    "probe-tls-certificate-untrusted", "No trusted authority vouches for the certificate", High, Regular, [295], CRYPTOGRAPHY;
    "probe-tls-old-version", "Server speaks an outdated version of TLS", Medium, Regular, [327], CRYPTOGRAPHY;
    "probe-xss-reflected", "Input comes back as script in a page", High, Regular, [79], INJECTION;
}

impl Rule {
    /// Metadata in the common form.
    #[must_use]
    pub fn info(&self) -> RuleInfo {
        RuleInfo {
            id: self.id.to_owned(),
            domain: DetectorId::Probe,
            title: self.title.to_owned(),
            severity: self.severity,
            confidence: Confidence::High,
            persona: self.persona,
            cwe: self.cwe.to_vec(),
            owasp: self.owasp.iter().map(|id| (*id).to_owned()).collect(),
            aliases: Vec::new(),
            references: Vec::new(),
            help: self.text().to_owned(),
        }
    }

    /// The document up to its cases.
    fn text(&self) -> &'static str {
        let end = ["\n## Found", "\n## Not found"].iter().filter_map(|heading| self.help.find(heading)).min();
        self.help[..end.unwrap_or(self.help.len())].trim()
    }

    /// The steps of the section "How to fix", on one line.
    #[must_use]
    pub fn advice(&self) -> String {
        let steps = self.text().split_once("## How to fix\n").map_or("", |(_, steps)| steps);
        steps.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The rule of this id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// Hexadecimal SHA-256 over what findings depend on: ids, weights and documents.
#[must_use]
pub fn digest() -> String {
    let mut hash = Sha256::new();
    for rule in RULES {
        hash.update(rule.id);
        hash.update([0, rule.severity as u8, rule.persona as u8, 0]);
        hash.update(rule.help);
        hash.update([0]);
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_whole_document_and_the_table_is_sorted() {
        assert!(RULES.is_sorted_by(|a, b| a.id < b.id));
        for rule in RULES {
            assert!(rule.id.starts_with("probe-"), "{}", rule.id);
            assert!(rule.help.starts_with("# "), "{}", rule.id);
            assert!(rule.help.contains("\n## Why it matters\n"), "{}", rule.id);
            assert!(rule.advice().len() > 20, "{}", rule.id);
            assert!(!rule.cwe.is_empty() && rule.owasp.len() == 2, "{}", rule.id);
        }
    }
}
