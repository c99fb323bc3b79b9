//! `json`: the document as it is.

use super::Document;

pub(super) fn text(document: &Document<'_>) -> String {
    let text = serde_json::to_string_pretty(document).expect("the shape has nothing that JSON cannot hold");
    text + "\n"
}
