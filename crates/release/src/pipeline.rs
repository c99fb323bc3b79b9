//! What a release of an environment consists of.

use std::time::Duration;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The stages of one environment, in their order.
#[derive(Debug, Clone, Serialize)]
pub struct Pipeline {
    /// The environment.
    pub environment: String,
    /// Files that are deployed. What they held when the build ended is what has to be there when the deployment begins.
    pub artifacts: Vec<String>,
    /// File of the private key that signs the entries; none means that of the ledger.
    pub key: Option<String>,
    /// Variables of the environment whose values are masked in everything that is printed and kept.
    pub secret_env: Vec<String>,
    /// The stages.
    pub stages: Vec<Stage>,
}

/// One stage.
#[derive(Debug, Clone, Serialize)]
pub struct Stage {
    /// Its name.
    pub id: String,
    /// How long it may take.
    pub timeout: Duration,
    /// What it does.
    pub work: Work,
}

/// What a stage does.
#[derive(Debug, Clone, Serialize)]
pub enum Work {
    /// A command that has to end with 0.
    Run(String),
    /// The same; what will be deployed is there afterwards.
    Build(String),
    /// A command and the results of its tests.
    Test(Test),
    /// Our detectors look at the project.
    Scan,
    /// The gate gives its verdict.
    Gate,
    /// The one stage that changes what runs.
    Deploy(Deploy),
    /// A final check of what was deployed: where it fails, the way back begins.
    Verify(String),
}

/// A stage of tests.
#[derive(Debug, Clone, Serialize)]
pub struct Test {
    /// The command.
    pub run: String,
    /// Patterns of files of results (JUnit XML).
    pub junit: Vec<String>,
    /// How many tests have to have run.
    pub min_tests: u32,
}

/// A deployment.
#[derive(Debug, Clone, Serialize)]
pub struct Deploy {
    /// Brings `$VERSION` into service.
    pub run: String,
    /// Prints the version that is in service, and nothing else.
    pub probe: String,
    /// Brings `$PREVIOUS` into service.
    pub rollback: String,
    /// Whether `run` may be repeated after it was cut off.
    pub idempotent: Idempotent,
    /// How long the probe may go on reporting something else after `run` or `rollback` ended.
    pub settle: Duration,
}

/// Whether a command may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Idempotent {
    /// Once or twice comes to the same.
    Yes,
    /// Nobody knows.
    No,
}

impl Pipeline {
    /// SHA-256 of what it says, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let text = serde_json::to_vec(self).expect("the shape has nothing that JSON cannot hold");
        testudo_model::hex(&Sha256::digest(text))
    }

    /// A stage by its name.
    #[must_use]
    pub fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// The deployment: a pipeline has exactly one.
    #[must_use]
    pub fn deploy(&self) -> &Deploy {
        let deploy = |stage: &'_ Stage| matches!(stage.work, Work::Deploy(_));
        match self.stages.iter().find(|stage| deploy(stage)).map(|stage| &stage.work) {
            Some(Work::Deploy(deploy)) => deploy,
            _ => unreachable!("the reader refuses a pipeline without a deployment"),
        }
    }

    /// The final checks.
    pub fn checks(&self) -> impl Iterator<Item = (&Stage, &str)> {
        self.stages.iter().filter_map(|stage| match &stage.work {
            Work::Verify(run) => Some((stage, run.as_str())),
            _ => None,
        })
    }
}
