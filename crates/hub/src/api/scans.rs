//! Takes reports of scans. A report is read finding by finding, so its size does not matter for the memory of the hub.

use std::{cell::RefCell, fmt, io::BufReader};

use serde::{
    Deserializer as _,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use testudo_ledger::Extent;
use testudo_model::{Finding, Fingerprint, ScanReport, ToolInfo};

use super::products::pushed_to;
use crate::{
    Hub, HubError,
    http::{Ask, Fields, Refusal, Response},
    store::{Account, Header, Ingested, Pushed, Taking},
};

/// Places that one push may name.
const PLACES: usize = 1000;
/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;

/// Takes a report.
pub(crate) fn push(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let extent = extent(ask.query())?;
    let (product, branch) = (ask.parameter("product"), branch(ask.query())?);
    let ingested = hub.store.write(|transaction| {
        let id = pushed_to(transaction, ask, branch)?;
        let digest = ask.request.body.digest();
        let header = Header { product: (id, product), digest, extent: &extent, branch, time: &ask.now.text };
        let ingestion = match Taking::begin(transaction, header)? {
            Ok(ingestion) => ingestion,
            Err(known) => return Ok(known),
        };
        let ingested = take(ask, ingestion, hub)?;
        let Ingested { scan, opened, closed, kept, .. } = ingested;
        let said = match (ingested.beside, branch.name) {
            (false, _) => format!("{product}: scan {scan}: {opened} new, {closed} gone, {kept} not looked at again"),
            (true, Some(name)) => format!("{product}: scan {scan} of {name}, which is not the default branch"),
            (true, None) => format!("{product}: scan {scan} of a branch that nobody named"),
        };
        ask.deed("scan.push", &said).record(transaction)?;
        Ok::<_, Refusal>(ingested)
    })?;
    Ok(Response::json(&ingested))
}

/// Longest name of a branch, in characters.
const NAME: usize = 250;

/// The branch that a push is of.
pub(crate) fn branch(query: &Fields) -> Result<Pushed<'_>, Refusal> {
    let name = |field| match query.get(field) {
        Some(name) if name.chars().count() > NAME || name.chars().any(char::is_control) => {
            Err(Refusal::malformed(format!("`{field}` is no name of a branch: one line of at most {NAME} characters")))
        }
        name => Ok(name),
    };
    Ok(Pushed { name: name("ref")?, default: name("default")? })
}

/// How much of the project was looked at: what nobody says was not.
fn extent(query: &Fields) -> Result<Extent, Refusal> {
    let list = |name| query.all(name).map(str::to_owned).filter(|text| !text.is_empty()).collect::<Vec<_>>();
    let (whole, off) = (list("whole"), list("off"));
    if whole.len() + off.len() > PLACES {
        return Err(Refusal::malformed("too many places"));
    }
    Ok(Extent { whole, base: query.get("base").unwrap_or(".").to_owned(), off, narrowed: Vec::new() })
}

fn take(ask: &Ask<'_>, ingestion: Taking<'_>, hub: &Hub) -> Result<Ingested, Refusal> {
    let unreadable = |_| Refusal::malformed("the body cannot be read");
    let reader = ask.request.body.reader().map_err(unreadable)?;
    let mut input = serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER, reader));
    let sink = RefCell::new(Sink { ingestion, trouble: None });
    let read = input.deserialize_map(Document { sink: &sink }).and_then(|account| input.end().map(|()| account));
    let Sink { ingestion, trouble } = sink.into_inner();
    if let Some(trouble) = trouble {
        return Err(trouble.into());
    }
    let account = read.map_err(|error| Refusal::malformed(format!("this is no report of a scan: {error}")))?;
    Ok(ingestion.finish(&account, &hub.settings.rules)?)
}

/// Where findings go while the document is read.
struct Sink<'a> {
    ingestion: Taking<'a>,
    /// What the database said, which is no fault of the document.
    trouble: Option<HubError>,
}

/// The document: everything but the findings is kept, they are handed on.
struct Document<'s, 'a> {
    sink: &'s RefCell<Sink<'a>>,
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = Account;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a report of `testudo scan --format json`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Account, A::Error> {
        let mut account = Account::default();
        let (mut schema, mut seen) = (None::<String>, [false; 4]);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "schema" => schema = Some(map.next_value()?),
                "started" => account.started = map.next_value()?,
                "tool" => {
                    let tool: ToolInfo = map.next_value()?;
                    account.tool = format!("{} {}", tool.name, tool.version);
                    seen[0] = true;
                }
                "findings" => {
                    map.next_value_seed(Findings { sink: self.sink })?;
                    seen[1] = true;
                }
                "coverage" => {
                    account.coverage = map.next_value()?;
                    seen[2] = true;
                }
                "summary" => {
                    account.summary = map.next_value()?;
                    seen[3] = true;
                }
                "hidden" => account.listed = map.next_value_seed(Hidden { sink: self.sink })?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if schema.as_deref() != Some(ScanReport::SCHEMA) {
            return Err(A::Error::custom(format!("its schema is not `{}`", ScanReport::SCHEMA)));
        }
        if seen != [true; 4] {
            return Err(A::Error::custom("it was cut off: tool, findings, coverage or summary is missing"));
        }
        Ok(account)
    }
}

/// Fingerprints of findings that the view of the report does not show: a list that `testudo push` adds, so that what is hidden
/// is not taken for gone.
struct Hidden<'s, 'a> {
    sink: &'s RefCell<Sink<'a>>,
}

impl<'de> DeserializeSeed<'de> for Hidden<'_, '_> {
    type Value = u64;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Hidden<'_, '_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fingerprints")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<u64, A::Error> {
        let mut count = 0;
        while let Some(fingerprint) = list.next_element::<Fingerprint>()? {
            let mut sink = self.sink.borrow_mut();
            if let Err(error) = sink.ingestion.hide(&fingerprint) {
                sink.trouble = Some(error);
                return Err(A::Error::custom("it cannot be kept"));
            }
            count += 1;
        }
        Ok(count)
    }
}

struct Findings<'s, 'a> {
    sink: &'s RefCell<Sink<'a>>,
}

impl<'de> DeserializeSeed<'de> for Findings<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Findings<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("findings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(finding) = list.next_element::<Finding>()? {
            let mut sink = self.sink.borrow_mut();
            if let Err(error) = sink.ingestion.add(&finding) {
                sink.trouble = Some(error);
                return Err(A::Error::custom("it cannot be kept"));
            }
        }
        Ok(())
    }
}
