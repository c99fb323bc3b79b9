//! JSON Schemas of what other programs read and write.

use std::fs;

use anyhow::Result;

/// File names below `docs/src/reference` and their content.
pub(crate) fn schemas() -> Result<Vec<(&'static str, String)>> {
    let text = |schema: serde_json::Value| serde_json::to_string_pretty(&schema).map(|t| t + "\n");
    Ok(vec![
        ("scan-report.schema.json", text(testudo_model::schema::scan_report().to_value())?),
        ("hub.openapi.json", text(testudo_hub::openapi())?),
        (
            "testudo-toml.schema.json",
            text(testudo_agent::config::configuration_schema(testudo_release::configuration_schema()))?,
        ),
    ])
}

/// Writes them.
pub(crate) fn write() -> Result<()> {
    for (name, text) in schemas()? {
        fs::write(crate::root().join("docs/src/reference").join(name), text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_schemas_are_current_and_only_ever_added_to() {
        for (name, text) in schemas().unwrap() {
            let committed = fs::read_to_string(crate::root().join("docs/src/reference").join(name)).unwrap_or_default();
            assert!(
                committed == text,
                "{name} is not current: run `cargo xtask schema`, and check that the change only adds"
            );
        }
    }
}
