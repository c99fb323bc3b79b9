//! Docker's client configuration: `auths` with the credentials of registries.

use super::{super::json, Structured, structured};
use crate::base64;

const RULE: &str = "docker-registry-auth";

/// Finds `"auth": "base64(user:password)"`, tokens and passwords of registries.
pub(super) fn find(text: &str) -> Vec<Structured> {
    let mut found = Vec::new();
    for scalar in json::scalars(text, 0).into_iter().filter(|s| s.string) {
        let key = scalar.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let secret = match key.to_ascii_lowercase().as_str() {
            "auth" => base64::lenient(text[scalar.range.clone()].as_bytes()).is_some_and(|d| d.contains(&b':')),
            "identitytoken" | "registrytoken" | "password" => true,
            _ => false,
        };
        if secret {
            found.extend(structured(RULE, text, scalar.range, 0));
        }
    }
    found
}
