//! Names under which tools present themselves, and what they look for.

use testudo_model::DetectorId;

/// A tool that is known by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// How reports name it, in lower case; a name that begins so and goes on with a blank is the same tool.
    named: &'static str,
    /// Its name in ids of rules.
    pub(crate) slug: &'static str,
    /// What its findings are.
    pub(crate) detector: DetectorId,
}

macro_rules! tools {
    ($($named:literal $slug:literal $detector:ident;)+) => {
        const TOOLS: &[Tool] = &[$(Tool { named: $named, slug: $slug, detector: DetectorId::$detector }),+];
    };
}

tools! {
    "actionlint" "actionlint" Ci;
    "betterleaks" "betterleaks" Secrets;
    "cfn-lint" "cfn-lint" Iac;
    "checkov" "checkov" Iac;
    "dependency-check" "dependency-check" Deps;
    "detect-secrets" "detect-secrets" Secrets;
    "ggshield" "ggshield" Secrets;
    "gitleaks" "gitleaks" Secrets;
    "govulncheck" "govulncheck" Deps;
    "grype" "grype" Deps;
    "hadolint" "hadolint" Iac;
    "kics" "kics" Iac;
    "kingfisher" "kingfisher" Secrets;
    "kubescape" "kubescape" Iac;
    "nosey parker" "noseyparker" Secrets;
    "noseyparker" "noseyparker" Secrets;
    "osv-scanner" "osv-scanner" Deps;
    "poutine" "poutine" Ci;
    "semgrep" "semgrep" Code;
    "snyk open source" "snyk" Deps;
    "terrascan" "terrascan" Iac;
    "tfsec" "tfsec" Iac;
    "trivy" "trivy" Deps;
    "trufflehog" "trufflehog" Secrets;
    "zizmor" "zizmor" Ci;
}

/// The tool of this name.
pub(crate) fn named(name: &str) -> Option<&'static Tool> {
    let name = name.trim().to_ascii_lowercase();
    TOOLS.iter().find(|tool| name.strip_prefix(tool.named).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_found_by_their_names() {
        for (name, slug) in [
            ("Semgrep OSS", Some("semgrep")),
            ("gitleaks", Some("gitleaks")),
            ("Nosey Parker", Some("noseyparker")),
            ("semgreppish", None),
            ("", None),
        ] {
            assert_eq!(named(name).map(|tool| tool.slug), slug, "{name}");
        }
        assert!(TOOLS.is_sorted_by_key(|tool| tool.named));
    }
}
