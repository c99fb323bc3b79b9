//! Targets: what a client sends to the hub.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering},
};

use testudo_hub::{Encryption, Hub, HubError, Moment, RuleSet, Scope, Settings, World};

use crate::scratch::Scratch;

/// A machine on which it is always the same moment.
#[derive(Debug, Default)]
struct Still(AtomicU64);

impl World for Still {
    fn now(&self) -> Moment {
        Moment { seconds: 0, text: "2026-03-01T00:00:00Z".to_owned() }
    }

    fn random(&self) -> Result<[u8; 32], HubError> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Ok(bytes)
    }
}

/// A hub with a token for each scope.
struct Site {
    hub: Hub,
    push: String,
    agent: String,
    _folder: Scratch,
}

fn site() -> Site {
    let folder = Scratch::new().expect("there is a place for temporary files");
    let settings = Settings {
        folder: folder.path().to_owned(),
        rules: RuleSet::default(),
        world: Box::new(Still::default()),
        encryption: Encryption::None,
        address: None,
        trouble: |_| {},
    };
    let hub = Hub::open(settings).expect("a new folder can be used");
    let push = hub.create_token(Scope::Push, "shop", None).expect("a token can be made");
    let agent = hub.create_token(Scope::Agent, "web-1", Some("shop")).expect("a token can be made");
    Site { hub, push, agent, _folder: folder }
}

thread_local! {
    static SITE: RefCell<Site> = RefCell::new(site());
}

/// A body for each route that takes one from a machine. The hub may refuse it; it must not fail.
pub fn body(bytes: &[u8]) {
    SITE.with_borrow(|site| {
        for (token, path, media) in [
            (&site.push, "/api/v1/products/shop/scans?whole=.", "application/json"),
            (&site.push, "/api/v1/products/shop/facts", "application/json"),
            (&site.push, "/api/v1/products/shop/ledgers/prod", "application/jsonl"),
            (&site.agent, "/api/v1/agents/web-1/events", "application/json"),
        ] {
            let status = site.hub.ask(token, ("POST", path), (media, bytes.to_vec()));
            assert!(status < 500, "{path}: {status}");
        }
    });
}

/// The target of a request.
pub fn target(bytes: &[u8]) {
    let target = crate::input::text(bytes);
    SITE.with_borrow(|site| {
        let status = site.hub.ask(&site.push, ("GET", &target), ("", Vec::new()));
        assert!(status < 500, "{target}: {status}");
    });
}
