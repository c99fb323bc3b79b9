//! What a push says of a product beside findings and ledgers.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use testudo_hub::ProductFacts;
use testudo_policy::Owners;

use crate::commands::{plan, status};

/// Gathers the facts of a project.
pub(super) fn gather(home: &Path) -> Result<ProductFacts> {
    let (found, files) = status::found(home)?;
    let mut facts = plan::pushed(home)?;
    let owners = Owners::discover(home).map(|path| Owners::load(&path, "CODEOWNERS")).transpose()?.flatten();
    if let Some((owners, _)) = owners {
        facts.owners = owners_of(&owners, &paths(&facts, &found));
        facts.owners.insert(".".to_owned(), status::owners_of_all(&owners, &files));
    }
    facts.hook = found.hook;
    facts.pipelines = found.pipelines;
    facts.lockfiles = found.lockfiles;
    facts.releases = found.releases;
    Ok(facts)
}

/// The paths that a board asks about.
fn paths(facts: &ProductFacts, found: &testudo_board::Found) -> Vec<String> {
    let mut paths = vec!["testudo.toml".to_owned(), "security/plan.toml".to_owned()];
    paths.extend(facts.plan.iter().map(|plan| plan.path.clone()));
    paths.extend(found.pipelines.iter().chain(&found.lockfiles).cloned());
    paths
}

fn owners_of(owners: &Owners, paths: &[String]) -> BTreeMap<String, Vec<String>> {
    paths.iter().map(|path| (path.clone(), owners.of(path))).collect()
}
