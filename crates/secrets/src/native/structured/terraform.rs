//! Terraform's state: outputs marked sensitive, attributes marked sensitive, and results of resources that make secrets.

use testudo_model::Confidence;

use super::{
    super::{json, words},
    Structured, structured,
};

const RULE: &str = "terraform-state-secret";

/// Attributes that hold a secret whatever the state says of them, by type of resource.
const MADE: &[(&str, &str)] = &[
    ("random_password", "result"),
    ("aws_iam_access_key", "secret"),
    ("aws_iam_access_key", "ses_smtp_password_v4"),
    ("azuread_application_password", "value"),
    ("azuread_service_principal_password", "value"),
    ("google_service_account_key", "private_key"),
    ("azurerm_storage_account", "primary_access_key"),
    ("azurerm_storage_account", "secondary_access_key"),
];

/// Finds the values that the state itself calls sensitive.
pub(super) fn find(text: &str) -> Vec<Structured> {
    let scalars = json::scalars(text, 0);
    let value = |s: &json::Scalar| &text[s.range.clone()];
    let with_end = |end: &str, wanted: &str| -> Vec<&str> {
        scalars.iter().filter(|s| value(s) == wanted).filter_map(|s| s.path.strip_suffix(end)).collect()
    };
    // Objects that say `"sensitive": true` of themselves.
    let sensitive = with_end("/sensitive/", "true");
    let mut marked: Vec<String> = sensitive.iter().map(|object| format!("{object}/value/")).collect();
    // `resources/0/type/` and the instance's list of attributes.
    for (kind, attribute) in MADE {
        marked.extend(with_end("/type/", kind).iter().map(|resource| format!("{resource}/*/{attribute}/")));
    }
    for s in scalars.iter().filter(|s| s.path.ends_with("/value/")) {
        if let Some((instance, _)) = s.path.split_once("/sensitive_attributes/") {
            marked.push(format!("{instance}/attributes/{}/", value(s)));
        }
    }
    marked.sort_unstable();
    let is_marked = |path: &str| {
        let exact = |p: &str| marked.binary_search_by(|m| m.as_str().cmp(p)).is_ok();
        // `resources/0/instances/0/attributes/result/` is the attribute `result` of `resources/0`.
        let instance = path
            .split_once("/instances/")
            .and_then(|(resource, rest)| Some(format!("{resource}/*/{}", rest.split_once("/attributes/")?.1)));
        exact(path) || instance.is_some_and(|p| exact(&p))
    };
    let found = scalars.iter().filter(|s| s.string && is_marked(&s.path));
    found.filter_map(|s| structured(RULE, text, s.range.clone(), 0).map(|found| weigh(value(s), found))).collect()
}

/// A plain word that is marked sensitive may be a name.
fn weigh(value: &str, found: Structured) -> Structured {
    let confidence =
        if words::is_identifier(value) { found.confidence.min(Confidence::Medium) } else { found.confidence };
    Structured { confidence, ..found }
}
