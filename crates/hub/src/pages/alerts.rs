//! Alerts of agents and what was done about them, and the agents themselves.

use super::{Html, Place, day_and_time, empty, page, text};
use crate::{
    Hub,
    api::agents::alerts_before,
    http::{Ask, Refusal, Response, encode},
    store::{self, AgentRow, AlertRow},
};

/// Rows of one page.
const ROWS: usize = 50;

/// The page.
pub(crate) fn page_of(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let (agents, mut alerts) = (hub.store.read(store::agents)?, alerts_before(hub, ask, ROWS)?);
    let mut body = "<h1>Alerts</h1>\n".to_owned();
    if agents.is_empty() {
        body += &empty(
            "No agent has sent anything yet. Make a token for one:",
            "testudo hub token create --scope agent --agent NAME --product PRODUCT",
        );
        return Ok(page(ask, Place::Alerts, "Alerts", &body));
    }
    let more = alerts.len() > ROWS;
    alerts.truncate(ROWS);
    body += &if alerts.is_empty() { empty("No alert yet.", "") } else { table(&alerts) };
    if let Some(last) = alerts.last().filter(|_| more) {
        body += &format!("<p><a rel=\"next\" href=\"/alerts?before={}\">Earlier</a></p>\n", encode(&last.id));
    }
    body += &agent_table(&agents);
    Ok(page(ask, Place::Alerts, "Alerts", &body))
}

fn table(alerts: &[AlertRow]) -> Html {
    let mut out = "<table class=\"list\"><caption>The newest first</caption>\n<thead><tr><th scope=\"col\" class=\"narrow\">Severity</th><th scope=\"col\">Alert</th><th scope=\"col\">Machine</th><th scope=\"col\">Time</th><th scope=\"col\">What was done</th></tr></thead>\n<tbody>\n".to_owned();
    for row in alerts {
        let done: Vec<String> = row
            .responses
            .iter()
            .map(|response| {
                let state = store::response_word(response.state);
                text(&format!("{state}: {} ({})", response.target, response.reason))
            })
            .collect();
        let release =
            row.alert.release.as_ref().map_or_else(String::new, |release| format!(", explained by {}", text(release)));
        let product = row.product.as_ref().map_or_else(String::new, |product| {
            format!(" <a href=\"/products/{}/timeline\">{}</a>", encode(product), text(product))
        });
        out += &format!(
            "<tr data-row><td class=\"narrow\"><span class=\"severity {0}\">{0}</span></td><th scope=\"row\">{1}<span class=\"sub\">{2}{release}</span></th><td data-name=\"Machine\">{3}{product}</td><td data-name=\"Time\">{4}</td><td data-name=\"Done\">{5}</td></tr>\n",
            row.alert.severity.as_str(),
            text(&row.alert.title),
            text(&row.alert.message),
            text(&row.host),
            day_and_time(&row.alert.time),
            done.join("; ")
        );
    }
    out + "</tbody></table>\n"
}

fn agent_table(agents: &[AgentRow]) -> Html {
    let mut out = "<section aria-labelledby=\"agents\"><h2 id=\"agents\">Agents</h2>\n<table class=\"list\"><caption>By name</caption>\n<thead><tr><th scope=\"col\">Agent</th><th scope=\"col\">Machine</th><th scope=\"col\">Watches</th><th scope=\"col\">Heard last</th><th scope=\"col\">Lost</th><th scope=\"col\">Cannot watch</th></tr></thead>\n<tbody>\n".to_owned();
    for agent in agents {
        out += &format!(
            "<tr><th scope=\"row\">{}<span class=\"sub\">{}</span></th><td data-name=\"Machine\">{}</td><td data-name=\"Watches\">{}</td><td data-name=\"Heard last\">{}</td><td data-name=\"Lost\">{}</td><td data-name=\"Cannot watch\">{}</td></tr>\n",
            text(&agent.name),
            text(&agent.version),
            text(&agent.host),
            text(agent.product.as_deref().unwrap_or_default()),
            day_and_time(&agent.seen),
            agent.lost,
            text(&agent.reduced.join("; "))
        );
    }
    out + "</tbody></table></section>\n"
}
