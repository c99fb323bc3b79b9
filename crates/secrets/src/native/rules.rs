//! The rules that are code rather than expressions: the classifier's kinds and the structured files.

use testudo_model::{Confidence, DetectorId, Persona, RuleInfo, Severity};

/// One rule in code.
#[derive(Debug)]
pub struct NativeRule {
    /// Identifier.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    severity: Severity,
    /// Documentation and cases, in Markdown.
    pub help: &'static str,
}

macro_rules! native {
    ($($id:literal, $title:literal, $severity:ident;)+) => {
        /// Every rule in code, sorted by id.
        pub const NATIVE: &[NativeRule] = &[$(NativeRule {
            id: $id,
            title: $title,
            severity: Severity::$severity,
            help: include_str!(concat!("../../../../rules/secrets/", $id, ".md")),
        },)+];
    };
}

native! {
    "client-password", "Password in the configuration of a client program", High;
    "cloud-client-credential", "Credential in the configuration of a cloud client", High;
    "docker-registry-auth", "Docker registry credential", High;
    "generic-key", "Cryptographic or API key in clear text", High;
    "generic-password", "Password in clear text", High;
    "generic-secret", "Shared secret in clear text", High;
    "generic-token", "Token in clear text", High;
    "git-credential", "Credential that git or a forge's client stored", High;
    "htpasswd-hash", "Password hash of an htpasswd file", Medium;
    "kubeconfig-credential", "Credential of a Kubernetes client", High;
    "kubernetes-secret-data", "Value of a Kubernetes Secret", High;
    "netrc-password", "Password in a netrc file", High;
    "package-registry-credential", "Credential of a package registry's client", High;
    "pgpass-password", "Password in a PostgreSQL password file", High;
    "rails-master-key", "Key of Rails' encrypted credentials", Critical;
    "terraform-state-secret", "Sensitive value in a Terraform state", High;
}

impl NativeRule {
    /// Metadata in the common form.
    #[must_use]
    pub fn info(&self) -> RuleInfo {
        RuleInfo {
            id: self.id.to_owned(),
            domain: DetectorId::Secrets,
            title: self.title.to_owned(),
            severity: self.severity,
            confidence: Confidence::High,
            persona: Persona::Regular,
            cwe: vec![798],
            owasp: vec!["A07:2021".to_owned(), "A07:2025".to_owned()],
            aliases: Vec::new(),
            references: Vec::new(),
            help: crate::document::without_cases(self.help),
        }
    }
}
