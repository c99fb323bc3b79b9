//! JSON Schema of the scan report, generated from the types.

use schemars::{Schema, schema_for};

use crate::ScanReport;

/// The JSON Schema (draft 2020-12) of `--format json`.
#[must_use]
pub fn scan_report() -> Schema {
    schema_for!(ScanReport)
}
