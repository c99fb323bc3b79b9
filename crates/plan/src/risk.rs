//! The risk of a component, as a number that anybody can compute again: impact of its data times exposure of its entries.

use std::{collections::HashMap, fmt};

use crate::nouns::{Backdoor, Component, Data, Entry, Plan, Reach, Volume};

/// How much is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Up to 3.
    Low,
    /// Up to 6.
    Medium,
    /// Up to 9.
    High,
    /// Above.
    Critical,
}

/// Days within which a finding has to be repaired, by its severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sla {
    /// Critical ones.
    pub critical: u32,
    /// High ones.
    pub high: u32,
    /// Medium ones.
    pub medium: u32,
    /// Low ones.
    pub low: u32,
}

impl Level {
    /// The level of a product of impact and exposure.
    #[must_use]
    pub fn of(number: u8) -> Self {
        match number {
            0..=3 => Self::Low,
            4..=6 => Self::Medium,
            7..=9 => Self::High,
            _ => Self::Critical,
        }
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Which level of the ASVS to follow.
    #[must_use]
    pub fn asvs(self) -> u8 {
        match self {
            Self::Low | Self::Medium => 1,
            Self::High => 2,
            Self::Critical => 3,
        }
    }

    /// How strict its gate should be.
    #[must_use]
    pub fn gate(self) -> &'static str {
        match self {
            Self::Low => "relaxed",
            Self::Medium => "standard",
            Self::High => "strict",
            Self::Critical => "strict, two approvers",
        }
    }

    /// How soon findings have to be repaired.
    #[must_use]
    pub fn sla(self) -> Sla {
        match self {
            Self::Low => Sla { critical: 14, high: 60, medium: 120, low: 180 },
            Self::Medium => Sla { critical: 7, high: 30, medium: 90, low: 180 },
            Self::High => Sla { critical: 3, high: 14, medium: 60, low: 120 },
            Self::Critical => Sla { critical: 1, high: 7, medium: 30, low: 90 },
        }
    }

    /// After how many days to look at the component's part of the plan again.
    #[must_use]
    pub fn review_days(self) -> u32 {
        match self {
            Self::Low => 365,
            Self::Medium => 180,
            Self::High => 90,
            Self::Critical => 30,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A factor of the risk, and what decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// 1 to 4.
    pub number: u8,
    /// The arithmetic in words.
    pub because: String,
}

/// The risk of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk<'p> {
    /// Its id.
    pub component: &'p str,
    /// How much harm its data can do.
    pub impact: Factor,
    /// How far away those can be who reach it.
    pub exposure: Factor,
}

impl Risk<'_> {
    /// Impact times exposure, 1 to 16.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.impact.number * self.exposure.number
    }

    /// What follows from the number.
    #[must_use]
    pub fn level(&self) -> Level {
        Level::of(self.number())
    }
}

/// The risk of every component, in the order of the plan.
#[must_use]
pub fn risks(plan: &Plan) -> Vec<Risk<'_>> {
    let data: HashMap<&str, &Data> = plan.data.iter().map(|data| (data.id.text.as_str(), data)).collect();
    let mut entries: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in &plan.entries {
        entries.entry(entry.component.text.as_str()).or_default().push(entry);
    }
    let risk = |component: &'_ Component| {
        let own = entries.get(component.id.text.as_str()).map_or(&[][..], Vec::as_slice);
        let id = &component.id.text;
        let doors: Vec<&Backdoor> = plan.backdoors.iter().filter(|door| door.component.text == *id).collect();
        (impact(plan, component, &data), exposure(own, &doors))
    };
    let named = |component| {
        let (impact, exposure) = risk(component);
        Risk { component: &component.id.text, impact, exposure }
    };
    plan.components.iter().map(named).collect()
}

/// The worst of its data. The first one in the plan decides where several are equal.
fn impact(plan: &Plan, component: &Component, data: &HashMap<&str, &Data>) -> Factor {
    // What a flow carries to or from a component passes through it.
    let id = &component.id.text;
    let flows = plan.flows.iter().filter(|flow| flow.from.text == *id || flow.to.text == *id);
    let names = component.processes.iter().chain(&component.stores).chain(flows.flat_map(|flow| &flow.carries));
    let handled = names.filter_map(|name| data.get(name.text.as_str()));
    let weighed = handled.map(|data| weigh(plan, component, data));
    let nothing = || {
        let raised = if component.safety { ", +1 for safety of the component" } else { "" };
        Factor { number: 1 + u8::from(component.safety), because: format!("no data is 1{raised}") }
    };
    weighed.reduce(|worst, next| if next.number > worst.number { next } else { worst }).unwrap_or_else(nothing)
}

fn weigh(plan: &Plan, component: &Component, data: &Data) -> Factor {
    let base = data.class as u8 + 1;
    let mut reasons = Vec::new();
    if data.volume == Volume::Many && base >= 3 {
        reasons.push("volume many");
    }
    if data.safety {
        reasons.push("safety");
    }
    if component.safety {
        reasons.push("safety of the component");
    }
    if plan.priorities.iter().any(|priority| priority.data.text == data.id.text) {
        reasons.push("customer priority");
    }
    let mut because = format!("data `{}` is {} = {base}", data.id.text, data.class.as_str());
    if !reasons.is_empty() {
        because += &format!(", +1 for {}", reasons.join(" and "));
    }
    let number = (base + u8::from(!reasons.is_empty())).min(4);
    if number == base && !reasons.is_empty() {
        because += ", at most 4";
    }
    Factor { number, because }
}

/// The widest of its entries and backdoors.
fn exposure(entries: &[&Entry], doors: &[&Backdoor]) -> Factor {
    let widest = entries.iter().map(|entry| open(entry)).chain(doors.iter().map(|one| door(one)));
    let none = || Factor { number: 1, because: "no entry is 1".to_owned() };
    widest.reduce(|worst, next| if next.number > worst.number { next } else { worst }).unwrap_or_else(none)
}

/// Where an entry asks nobody who they are, or takes files, it is one step wider than its reach.
fn open(entry: &Entry) -> Factor {
    let (base, reach) = match entry.reach {
        Reach::Internal => (1, "internal"),
        Reach::Partner => (2, "for partners"),
        Reach::Internet => (3, "on the internet"),
    };
    let mut reasons = Vec::new();
    if says_nobody(&entry.auth.text) {
        reasons.push("no authentication");
    }
    if entry.who.iter().any(|who| says_anybody(&who.text)) {
        reasons.push("anonymous users");
    }
    if entry.upload {
        reasons.push("upload");
    }
    let mut because = format!("entry `{}` is {reach} = {base}", entry.id.text);
    if !reasons.is_empty() {
        because += &format!(", +1 for {}", reasons.join(" and "));
    }
    Factor { number: base + u8::from(!reasons.is_empty()), because }
}

/// Whether `auth` says that nobody is asked who they are, however it is spelled.
fn says_nobody(auth: &str) -> bool {
    let auth = auth.trim().to_lowercase();
    ["none", "no", "off", "anonymous", "unauthenticated", "public", "open", "-"].contains(&auth.as_str())
}

/// Whether `who` says that anybody may come, however it is spelled.
fn says_anybody(who: &str) -> bool {
    let who = who.trim().to_lowercase();
    ["anonymous", "anybody", "anyone", "everybody", "everyone", "guest", "guests", "public", "unauthenticated", "*"]
        .contains(&who.as_str())
}

/// A way in besides the entries. It was built to be let through, so it counts as one for partners at least.
fn door(door: &Backdoor) -> Factor {
    let because = format!("backdoor `{}` is 2", door.id.text);
    match says_nobody(&door.auth.text) {
        true => Factor { number: 3, because: because + ", +1 for no authentication" },
        false => Factor { number: 2, because },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, file, nouns::Class};

    /// A plan of one component with this data and this entry.
    fn risk_of(data: &str, component: &str, entry: &str) -> (u8, u8, String) {
        let text = format!(
            "[plan]\nversion = 1\nproduct = \"p\"\nowner = \"role:a\"\nreview-by = 2030-01-01\n\
             [[data]]\nid = \"d\"\n{data}\n\
             [[component]]\nid = \"c\"\nkind = \"web\"\nzone = \"z\"\nowner = \"role:a\"\n{component}\n{entry}\n"
        );
        let plan = file::read(&[Source { name: "plan.toml", text: &text }]);
        assert!(plan.problems.is_empty(), "{:?}", plan.problems);
        let risk = risks(&plan.plan).remove(0);
        let level = format!("{} {}", risk.number(), risk.level());
        assert_eq!(risk.number(), risk.impact.number * risk.exposure.number);
        (risk.impact.number, risk.exposure.number, level)
    }

    const ENTRIES: [&str; 4] = [
        "auth = \"password\"",
        "auth = \"password\"\npartner = true",
        "auth = \"password\"\ninternet = true",
        "auth = \"none\"\ninternet = true",
    ];

    #[test]
    fn all_sixteen_cells() {
        let cells = [
            ["1 low", "2 low", "3 low", "4 medium"],
            ["2 low", "4 medium", "6 medium", "8 high"],
            ["3 low", "6 medium", "9 high", "12 critical"],
            ["4 medium", "8 high", "12 critical", "16 critical"],
        ];
        for (class, row) in Class::ALL.iter().zip(cells) {
            for (entry, cell) in ENTRIES.iter().zip(row) {
                let entry = format!("[[entry]]\nid = \"e\"\ncomponent = \"c\"\nwho = [\"staff\"]\n{entry}");
                let (_, _, level) = risk_of(&format!("class = \"{}\"", class.0), "stores = [\"d\"]", &entry);
                assert_eq!(level, cell, "{} {entry}", class.0);
            }
        }
    }

    #[test]
    fn what_raises_a_factor_raises_it_once() {
        for (data, component, expected) in [
            ("class = \"internal\"\nvolume = \"many\"", "stores = [\"d\"]", 2),
            ("class = \"confidential\"\nvolume = \"many\"", "stores = [\"d\"]", 4),
            ("class = \"internal\"\nsafety = true", "stores = [\"d\"]\nsafety = true", 3),
            ("class = \"restricted\"\nsafety = true", "stores = [\"d\"]", 4),
            ("class = \"restricted\"", "stores = []", 1),
            ("class = \"restricted\"", "stores = []\nsafety = true", 2),
        ] {
            assert_eq!(risk_of(data, component, "").0, expected, "{data} {component}");
        }
        let entry = "[[entry]]\nid = \"e\"\ncomponent = \"c\"\nwho = [\"anonymous\"]\nauth = \"none\"\nupload = true";
        assert_eq!(risk_of("class = \"public\"", "stores = [\"d\"]", entry).1, 2);
    }

    #[test]
    fn the_arithmetic_is_said() {
        let sources = [Source { name: "plan.toml", text: include_str!("sample.toml") }];
        let plan = file::read(&sources).plan;
        let risks = risks(&plan);
        assert_eq!(
            [&risks[0].impact.because, &risks[0].exposure.because, &risks[1].exposure.because],
            [
                "data `records` is restricted = 4, +1 for volume many and customer priority, at most 4",
                "entry `portal.public` is on the internet = 3, +1 for anonymous users",
                "no entry is 1",
            ]
        );
        assert_eq!((risks[0].level(), risks[1].level()), (Level::Critical, Level::Medium));
    }

    #[test]
    fn more_risk_never_asks_for_less() {
        let levels = [Level::Low, Level::Medium, Level::High, Level::Critical];
        for pair in levels.windows(2) {
            let (a, b) = (pair[0].sla(), pair[1].sla());
            assert!(a.critical > b.critical && a.high > b.high && a.medium >= b.medium && a.low >= b.low);
            assert!(pair[0].asvs() <= pair[1].asvs() && pair[0].review_days() > pair[1].review_days());
        }
        assert_eq!(levels.map(Level::asvs), [1, 1, 2, 3]);
    }
}
