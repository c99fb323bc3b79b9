//! What a plan speaks of. Every name knows where it was written, so that what is wrong with it can be shown there.

use testudo_model::DetectorId;
use testudo_policy::Date;
pub use testudo_policy::table::{Place, Word};

/// A day and where it stands.
pub type Day = (Date, Place);

/// The whole plan.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What is planned for.
    pub product: Word,
    /// The role that answers for the plan.
    pub owner: Word,
    /// When the plan has to be looked at again.
    pub review_by: Option<Day>,
    /// Frameworks with their editions, `owasp-top10:2021`.
    pub frameworks: Vec<Word>,
    /// What customers hold dear.
    pub priorities: Vec<Priority>,
    /// Parts that people have.
    pub roles: Vec<Role>,
    /// Kinds of data.
    pub data: Vec<Data>,
    /// Zones of trust.
    pub zones: Vec<Zone>,
    /// Things that run.
    pub components: Vec<Component>,
    /// Ways in.
    pub entries: Vec<Entry>,
    /// Ways between components.
    pub flows: Vec<Flow>,
    /// Uses that entail a risk.
    pub use_cases: Vec<UseCase>,
    /// Maintenance doors.
    pub backdoors: Vec<Backdoor>,
    /// What is done against risks.
    pub controls: Vec<Control>,
    /// Risks that were accepted.
    pub accepts: Vec<Accept>,
    /// The checklist of operations.
    pub checks: Vec<Check>,
}

/// What a customer holds dear, and who said so.
#[derive(Debug, Clone)]
pub struct Priority {
    /// The data.
    pub data: Word,
    /// Why.
    pub why: Word,
    /// Who said it.
    pub by: Word,
    /// When.
    pub on: Option<Day>,
}

/// A part that people have, with a channel to reach them.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name; owners name it as `role:ID`.
    pub id: Word,
    /// Who has it.
    pub people: Vec<Word>,
    /// What it is for.
    pub duty: Vec<Word>,
    /// Where they are reached.
    pub channel: Option<Word>,
    /// Where they are reached when it is urgent.
    pub escalate: Option<Word>,
}

/// How much harm it does when data gets out or is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Everybody may see it.
    Public,
    /// For the own people.
    Internal,
    /// For few.
    Confidential,
    /// Harm to people or to the whole enterprise.
    Restricted,
}

impl Class {
    /// Words and values.
    pub const ALL: [(&'static str, Self); 4] = [
        ("public", Self::Public),
        ("internal", Self::Internal),
        ("confidential", Self::Confidential),
        ("restricted", Self::Restricted),
    ];

    /// The word of the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// How much of a kind of data there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Volume {
    /// So much that one leak is a catastrophe.
    Many,
    /// Less.
    #[default]
    Few,
}

/// A kind of data.
#[derive(Debug, Clone)]
pub struct Data {
    /// Its name.
    pub id: Word,
    /// How much harm it does.
    pub class: Class,
    /// Free words, such as `phi`.
    pub tags: Vec<Word>,
    /// How much there is.
    pub volume: Volume,
    /// Whether somebody's life or limb depends on it.
    pub safety: bool,
}

/// A zone of trust.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Its name.
    pub id: Word,
    /// 0 is the internet, 3 the most trusted.
    pub trust: u32,
}

/// Kinds of components.
pub const KINDS: [&str; 17] = [
    "web",
    "api",
    "service",
    "worker",
    "function",
    "datastore",
    "queue",
    "cache",
    "storage",
    "identity",
    "vault",
    "gateway",
    "client",
    "mobile",
    "tool",
    "pipeline",
    "external",
];

/// Something that runs.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its name.
    pub id: Word,
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// The zone it stands in.
    pub zone: Word,
    /// Its code: a folder of the project.
    pub source: Option<Word>,
    /// The role that answers for it.
    pub owner: Word,
    /// Data that passes through it.
    pub processes: Vec<Word>,
    /// Data that stays in it.
    pub stores: Vec<Word>,
    /// The account it runs under.
    pub runs_as: Option<Word>,
    /// Whether somebody's life or limb depends on it.
    pub safety: bool,
    /// Where it is declared.
    pub place: Place,
}

/// How far away those can be who use an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Inside of the own network.
    Internal,
    /// Partners, or through a VPN.
    Partner,
    /// Anywhere.
    Internet,
}

/// A way in.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub id: Word,
    /// What it leads to.
    pub component: Word,
    /// Who uses it.
    pub who: Vec<Word>,
    /// How they show who they are; `none` where they need not.
    pub auth: Word,
    /// From where.
    pub reach: Reach,
    /// Whether files can be sent in.
    pub upload: bool,
    /// Its description: an OpenAPI file of the project.
    pub spec: Option<Word>,
    /// Where it answers, for probes: `https://staging.shop.example/`.
    pub url: Option<Word>,
    /// Where its use is recorded.
    pub log: Option<Word>,
}

/// A way between two components.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Who asks.
    pub from: Word,
    /// Who answers.
    pub to: Word,
    /// Protocols, joined with `+`.
    pub protocol: Word,
    /// How the one shows the other who it is.
    pub auth: Option<Word>,
    /// Data on the way.
    pub carries: Vec<Word>,
}

/// A use that entails a risk.
#[derive(Debug, Clone)]
pub struct UseCase {
    /// Its name.
    pub id: Word,
    /// Where it begins.
    pub entry: Word,
    /// How it can be abused.
    pub abuse: Word,
    /// What is done against that.
    pub controls: Vec<Word>,
}

/// A maintenance door: a feature, or else a finding.
#[derive(Debug, Clone)]
pub struct Backdoor {
    /// Its name.
    pub id: Word,
    /// Where it is.
    pub component: Word,
    /// What it is for.
    pub why: Word,
    /// Who gets through it.
    pub auth: Word,
    /// Where its use is recorded.
    pub log: Word,
    /// The role that answers for it.
    pub owner: Word,
    /// When it is closed.
    pub expires: Option<Day>,
    /// What is done against its abuse.
    pub controls: Vec<Word>,
}

/// Whether all evidence has to speak for a control.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Require {
    /// All of it.
    #[default]
    All,
    /// One is enough.
    Any,
}

/// What is shown, and how.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Whether all has to speak for it.
    pub require: Require,
    /// What speaks for it.
    pub evidence: Vec<Evidence>,
    /// How many days old evidence may be.
    pub max_age: Option<u32>,
    /// Why it does not apply.
    pub not_applicable: Option<Word>,
}

/// What is done against risks.
#[derive(Debug, Clone)]
pub struct Control {
    /// Its name.
    pub id: Word,
    /// One line about it.
    pub text: Option<Word>,
    /// Requirements that it answers to, `FRAMEWORK:ID`.
    pub refs: Vec<Word>,
    /// Components that it protects.
    pub applies: Vec<Word>,
    /// The role that answers for it.
    pub owner: Word,
    /// How it is shown.
    pub proof: Proof,
}

/// A line of the checklist of operations: account, keys, users, server environment.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its name.
    pub id: Word,
    /// What has to be so.
    pub text: Word,
    /// The role that answers for it.
    pub owner: Word,
    /// How it is shown.
    pub proof: Proof,
}

/// What an accepted risk is about.
#[derive(Debug, Clone)]
pub enum Accepted {
    /// A threat, `RULE@COMPONENT` or `RULE@ENTRY`.
    Threat(Word),
    /// A control that is not shown.
    Control(Word),
}

/// A risk that was accepted for a time.
#[derive(Debug, Clone)]
pub struct Accept {
    /// Which.
    pub what: Accepted,
    /// Why.
    pub why: Word,
    /// The role that answers for it.
    pub owner: Word,
    /// Until when.
    pub expires: Option<Day>,
}

/// One thing that speaks for a control.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// What it is.
    pub kind: Kind,
    /// Where it is declared.
    pub place: Place,
}

/// What is asked of a host. In patterns `*` stands for any characters, and case does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Checks of a policy passed: `sca:POLICY:CHECK`.
    Checks {
        /// Pattern of ids of policies.
        policy: String,
        /// The id of a check, or a pattern of its title.
        check: String,
    },
    /// A program runs, with an account like this: `proc:PROGRAM:uid!=0`.
    Program {
        /// Pattern of its name.
        program: String,
        /// Which account it may have.
        account: Account,
    },
}

/// Numbers of accounts that a program may run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// This one.
    Is(u32),
    /// Any but this one.
    IsNot(u32),
}

/// Kinds of evidence.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A detector looked at a part of the project, and no finding of these rules is open.
    Rule {
        /// The detector.
        detector: DetectorId,
        /// Which of its rules; `*` stands for any characters.
        pattern: String,
        /// A path of the project; none for all of it.
        scope: Option<Word>,
    },
    /// The same by weakness, for any detector that has a rule for it.
    Cwe {
        /// Numbers of the CWE list.
        numbers: Vec<u32>,
        /// A path of the project; none for all of it.
        scope: Option<Word>,
    },
    /// A test passed.
    Test {
        /// Its name.
        name: String,
    },
    /// A check of a host's configuration passed.
    Config {
        /// As the plan says it.
        word: Word,
        /// What is asked of the hosts.
        asked: Asked,
        /// Which hosts: a name, or `tag:` and a word that the agent has for them; none for all that are known.
        hosts: Option<Word>,
    },
    /// An attack on the running application failed.
    Dast {
        /// Which.
        name: Word,
        /// Where.
        entry: Option<Word>,
    },
    /// Something was recorded in the ledger.
    Ledger {
        /// As which predicate.
        predicate: Word,
        /// Name or digest of what it is about.
        subject: Option<Word>,
    },
    /// Somebody vouches for it.
    Attest {
        /// The file that says so.
        file: Word,
        /// Who.
        by: Word,
        /// Since when.
        on: Option<Day>,
        /// Until when.
        expires: Option<Day>,
        /// Hexadecimal SHA-256 of the file.
        sha256: Word,
    },
}
