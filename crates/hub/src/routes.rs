//! The one table of everything that can be asked of the hub. The router, the OpenAPI document and the test of who may do what
//! come from it. A route names its permission, or this does not compile.

use schemars::Schema;
use testudo_model::AgentBatch;

use crate::{
    Hub, Permission, ProductFacts, api,
    http::{Ask, Refusal, Response},
    pages,
};

/// Largest form, in bytes.
const FORM: u64 = 64 << 10;
/// Largest document of people, in bytes.
const SMALL: u64 = 64 << 10;
/// Largest facts of a product, in bytes.
const FACTS: u64 = 4 << 20;
/// Largest batch of an agent, in bytes.
const BATCH: u64 = 16 << 20;
/// Largest report of a scan, in bytes.
const SCAN: u64 = 512 << 20;
/// Largest part of a ledger, in bytes.
const LEDGER: u64 = 256 << 20;

/// The schema of a type.
pub(crate) type SchemaOf = fn() -> Schema;
/// What answers.
pub(crate) type Handler = fn(&Hub, &Ask<'_>) -> Result<Response, Refusal>;

/// What a route takes as its body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Takes {
    /// None.
    Nothing,
    /// A form of a page.
    Form,
    /// JSON of a type, up to a size.
    Json { schema: SchemaOf, most: u64 },
    /// JSON Lines, up to a size.
    Lines { most: u64 },
}

impl Takes {
    /// Bytes that are received.
    pub(crate) fn limit(self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Form => FORM,
            Self::Json { most, .. } | Self::Lines { most } => most,
        }
    }
}

/// What a route gives.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gives {
    /// A page.
    Page,
    /// "See there".
    SeeOther,
    /// A style sheet.
    Style,
    /// A script.
    Script,
    /// JSON of a type.
    Json(SchemaOf),
    /// JSON of no fixed type.
    AnyJson,
}

/// Values of the names in a path.
pub(crate) type Names = Vec<(&'static str, String)>;

/// One thing that can be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    /// `GET` or `POST`.
    pub(crate) method: &'static str,
    /// Path with names in braces.
    pub(crate) path: &'static str,
    /// What it needs.
    pub(crate) permission: Permission,
    /// One line.
    pub(crate) summary: &'static str,
    /// Names of the query.
    pub(crate) query: &'static [&'static str],
    /// Its body.
    pub(crate) takes: Takes,
    /// Its answer.
    pub(crate) gives: Gives,
    /// What answers.
    pub(crate) run: Handler,
}

impl Route {
    /// Parts of the path.
    fn segments(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter(|part| !part.is_empty())
    }

    /// Names in the path.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.segments().filter_map(name)
    }

    fn matches(&self, segments: &[String]) -> Option<Names> {
        let mut own = self.segments();
        let mut found = Vec::new();
        for segment in segments {
            let part = own.next()?;
            match name(part) {
                Some(name) => found.push((name, segment.clone())),
                None if part == segment => {}
                None => return None,
            }
        }
        own.next().is_none().then_some(found)
    }
}

fn name(part: &'static str) -> Option<&'static str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// The route of a request, and the values of the names in its path. A word stands before a name. What can be read can also be
/// asked about (`HEAD`); the library sends no body then.
pub(crate) fn find(method: &str, segments: &[String]) -> Result<(&'static Route, Names), Refusal> {
    let here: Vec<_> = ROUTES.iter().filter_map(|route| Some((route, route.matches(segments)?))).collect();
    if here.is_empty() {
        return Err(Refusal::Absent);
    }
    let fewest = here.iter().map(|(_, names)| names.len()).min().unwrap_or(0);
    let here: Vec<_> = here.into_iter().filter(|(_, names)| names.len() == fewest).collect();
    let asked = if method == "HEAD" { "GET" } else { method };
    let possible: Vec<&str> =
        here.iter().map(|(route, _)| if route.method == "GET" { "GET, HEAD" } else { route.method }).collect();
    here.into_iter().find(|(route, _)| route.method == asked).ok_or_else(|| Refusal::Method(possible.join(", ")))
}

fn schema<T: schemars::JsonSchema>() -> Schema {
    schemars::schema_for!(T)
}

macro_rules! routes {
    ($($method:ident $path:literal $permission:ident [$($query:literal)*] ($takes:expr) => $gives:expr, $run:path, $summary:literal;)+) => {
        /// Every route.
        pub(crate) const ROUTES: &[Route] = &[$(Route {
            method: stringify!($method),
            path: $path,
            permission: Permission::$permission,
            summary: $summary,
            query: &[$($query),*],
            takes: $takes,
            gives: $gives,
            run: $run,
        }),+];
    };
}

use Gives::{AnyJson, Page, Script, SeeOther, Style};
use Takes::{Form, Nothing};

routes! {
    GET "/hub.css" Open [] (Nothing) => Style, pages::assets::style, "The style of the pages";
    GET "/hub.js" Open [] (Nothing) => Script, pages::assets::script, "Keys for lists; every page works without it";
    GET "/sign-in" Open [] (Nothing) => Page, pages::enter::sign_in, "How to sign in";
    GET "/welcome/{link}" Open [] (Nothing) => Page, pages::enter::welcome, "A link with which somebody signs in once";
    POST "/welcome/{link}" Open [] (Form) => SeeOther, pages::enter::enter, "Use the link up and begin a session";
    POST "/sign-out" Read [] (Form) => SeeOther, pages::enter::sign_out, "End the session";

    GET "/sessions" Read [] (Nothing) => Page, pages::sessions::list, "Where the person who asks is signed in";
    POST "/sessions/end" Read [] (Form) => SeeOther, pages::sessions::end_others, "Sign out everywhere else";
    POST "/sessions/{session}/end" Read [] (Form) => SeeOther, pages::sessions::end, "Sign out there";

    GET "/" Read [] (Nothing) => Page, pages::board::all, "Where every product stands";
    GET "/products/{product}" Read [] (Nothing) => Page, pages::board::one, "Where a product stands in each phase";
    GET "/products/{product}/manage" Administer [] (Nothing) => Page, pages::manage::page_of, "What administrators decide about a product";
    POST "/products/{product}/manage/branch" Administer [] (Form) => SeeOther, pages::manage::set_branch, "Set the default branch";
    POST "/products/{product}/manage/keys" Administer [] (Form) => SeeOther, pages::manage::accept_keys, "Accept other keys of a ledger";
    POST "/products/{product}/manage/archive" Administer [] (Form) => SeeOther, pages::manage::set_archived, "Keep a product aside, or bring it back";
    POST "/products/{product}/manage/delete" Administer [] (Form) => SeeOther, pages::manage::take_away, "Take a product away for good";
    GET "/products/{product}/branch" Read ["name" "after"] (Nothing) => Page, pages::branch::page_of, "What the last scan of a branch beside the default one found";
    GET "/products/{product}/timeline" Read ["before"] (Nothing) => Page, pages::timeline::page_of, "What happened to a product, on one line of time";
    GET "/products/{product}/ledgers/{environment}/{seq}" Read [] (Nothing) => Page, pages::entry::pushed, "An entry of a ledger that was pushed";
    GET "/decisions/{seq}" Read [] (Nothing) => Page, pages::entry::decided, "An entry of the hub's own ledger";
    GET "/work" Read [] (Nothing) => Page, pages::work::page_of, "What the person who asks has to do, the most urgent first";
    GET "/findings" Read ["state" "severity" "rule" "product" "owner" "text" "scan" "after"] (Nothing) => Page, pages::findings::list, "Findings";
    GET "/findings/{finding}" Read [] (Nothing) => Page, pages::findings::one, "One finding";
    POST "/findings/triage" Triage [] (Form) => SeeOther, pages::findings::triage, "Decide about findings";
    GET "/concerns" Read ["state" "after" "about"] (Nothing) => Page, pages::concerns::list, "Questions and concerns";
    POST "/concerns" Raise [] (Form) => SeeOther, pages::concerns::raise, "Ask a question or raise a concern";
    GET "/concerns/{concern}" Read [] (Nothing) => Page, pages::concerns::one, "One concern";
    POST "/concerns/{concern}/assign" Answer [] (Form) => SeeOther, pages::concerns::assign, "Give a concern to somebody, until a day";
    POST "/concerns/{concern}/answer" Answer [] (Form) => SeeOther, pages::concerns::answer, "Answer and end a concern";
    GET "/alerts" Read ["before"] (Nothing) => Page, pages::alerts::page_of, "Alerts of agents, and what was done";
    GET "/audit" Audit ["before"] (Nothing) => Page, pages::audit::page_of, "Who did what, when and from where";
    GET "/admin" Administer [] (Nothing) => Page, pages::admin::page_of, "People and tokens";
    POST "/admin/people" Administer [] (Form) => Page, pages::admin::add_person, "Add a person, and show a link for them once";
    POST "/admin/people/{person}" Administer [] (Form) => SeeOther, pages::admin::change_person, "Change the role and the names of a person";
    POST "/admin/people/{person}/link" Administer [] (Form) => Page, pages::admin::link, "Show a new link for a person once";
    POST "/admin/people/{person}/active" Administer [] (Form) => SeeOther, pages::admin::activate, "Let a person sign in, or no longer";
    POST "/admin/tokens" Administer [] (Form) => Page, pages::admin::add_token, "Make a token, and show it once";
    POST "/admin/tokens/{token}/revoke" Administer [] (Form) => SeeOther, pages::admin::revoke, "Take a token back";

    GET "/api/v1/openapi.json" Open [] (Nothing) => AnyJson, api::openapi, "This document";
    GET "/api/v1/me" Read [] (Nothing) => Gives::Json(schema::<api::people::Me>), api::people::me, "Who asks, and the token that changes need (header X-Testudo-Form)";
    GET "/api/v1/sessions" Read [] (Nothing) => Gives::Json(schema::<Vec<crate::store::SessionRow>>), api::people::sessions, "Where the person who asks is signed in";
    GET "/api/v1/products" Read [] (Nothing) => Gives::Json(schema::<Vec<crate::store::ProductRow>>), api::products::list, "Products";
    GET "/api/v1/products/{product}/board" Read [] (Nothing) => AnyJson, api::products::board, "Where a product stands, as `testudo status --format json`";
    GET "/api/v1/products/{product}/timeline" Read ["before"] (Nothing) => Gives::Json(schema::<api::products::Timeline>), api::products::timeline, "What happened to a product";
    GET "/api/v1/products/{product}/scans" Read ["before"] (Nothing) => Gives::Json(schema::<Vec<crate::store::ScanRow>>), api::products::scans, "Scans of a product, the newest first";
    GET "/api/v1/products/{product}/branches" Read [] (Nothing) => Gives::Json(schema::<Vec<crate::store::BranchRow>>), api::products::branches, "Branches of a product beside the default one";
    GET "/api/v1/products/{product}/branch" Read ["name" "after"] (Nothing) => Gives::Json(schema::<api::products::OfBranch>), api::products::branch, "What the last scan of a branch found";
    GET "/api/v1/plan-roles" Read [] (Nothing) => Gives::Json(schema::<Vec<crate::store::PlanRole>>), api::products::roles, "Who has which part, by the plans that were pushed";
    GET "/api/v1/work" Read [] (Nothing) => Gives::Json(schema::<crate::work::Work>), api::people::work, "What the person who asks has to do";
    GET "/api/v1/findings" Read ["state" "severity" "rule" "product" "owner" "text" "scan" "after"] (Nothing) => Gives::Json(schema::<crate::store::Page>), api::findings::list, "Findings";
    GET "/api/v1/findings/{finding}" Read [] (Nothing) => Gives::Json(schema::<api::findings::Whole>), api::findings::one, "One finding, in full";
    POST "/api/v1/findings/triage" Triage [] (Takes::Json { schema: schema::<crate::act::triage::Triage>, most: SMALL }) => Gives::Json(schema::<crate::act::triage::Triaged>), api::findings::triage, "Decide about findings";
    GET "/api/v1/concerns" Read ["state" "after"] (Nothing) => Gives::Json(schema::<Vec<crate::store::ConcernRow>>), api::concerns::list, "Questions and concerns";
    POST "/api/v1/concerns" Raise [] (Takes::Json { schema: schema::<crate::act::concern::Raise>, most: SMALL }) => Gives::Json(schema::<crate::store::ConcernRow>), api::concerns::raise, "Ask a question or raise a concern";
    POST "/api/v1/concerns/{concern}/answer" Answer [] (Takes::Json { schema: schema::<crate::act::concern::Answer>, most: SMALL }) => Gives::Json(schema::<crate::store::ConcernRow>), api::concerns::answer, "Answer and end a concern";
    GET "/api/v1/alerts" Read ["before"] (Nothing) => Gives::Json(schema::<Vec<crate::store::AlertRow>>), api::agents::alerts, "Alerts, the newest first";
    GET "/api/v1/alerts/{alert}" Read [] (Nothing) => Gives::Json(schema::<crate::store::AlertRow>), api::agents::alert, "One alert, and what was done about it";
    GET "/api/v1/agents" Read [] (Nothing) => Gives::Json(schema::<Vec<crate::store::AgentRow>>), api::agents::list, "Agents";
    GET "/api/v1/audit" Audit ["before"] (Nothing) => Gives::Json(schema::<Vec<crate::store::AuditRow>>), api::audit, "Who did what";
    GET "/api/v1/people" Administer [] (Nothing) => Gives::Json(schema::<Vec<crate::store::PersonRow>>), api::people::list, "People";
    GET "/api/v1/tokens" Administer [] (Nothing) => Gives::Json(schema::<Vec<crate::store::TokenRow>>), api::people::tokens, "Tokens, without their secrets";

    POST "/api/v1/products/{product}/scans" Push ["base" "whole" "off" "ref" "default"] (Takes::Json { schema: schema::<testudo_model::ScanReport>, most: SCAN }) => Gives::Json(schema::<crate::store::Ingested>), api::scans::push, "Push a report of `testudo scan --format json`";
    GET "/api/v1/products/{product}/ledgers/{environment}" Push [] (Nothing) => Gives::Json(schema::<api::ledgers::Known>), api::ledgers::known, "How far a ledger is known";
    POST "/api/v1/products/{product}/ledgers/{environment}" Push [] (Takes::Lines { most: LEDGER }) => Gives::Json(schema::<api::ledgers::Kept>), api::ledgers::push, "Push what is new of a ledger: its public keys, its lines, and its head";
    POST "/api/v1/products/{product}/facts" Push ["ref" "default"] (Takes::Json { schema: schema::<ProductFacts>, most: FACTS }) => Gives::Json(schema::<api::products::Noted>), api::products::facts, "Push plan, roles and owners";
    POST "/api/v1/agents/{agent}/events" Agent [] (Takes::Json { schema: schema::<AgentBatch>, most: BATCH }) => Gives::Json(schema::<api::agents::Acknowledged>), api::agents::events, "Push events of an agent; known ones are passed over";
}
