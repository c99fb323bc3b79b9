//! Notices and gaps as notifications of the invocation (3.58).

use testudo_model::{Location, Notice, NoticeLevel};

use super::log::{DescriptorReference, Message, Notification};
use super::place;

/// What could not be read, with its place.
pub(super) fn of_notice(notice: &Notice) -> Notification {
    let level = match notice.level {
        NoticeLevel::Error => "error",
        NoticeLevel::Gap => "warning",
        NoticeLevel::Info => "note",
    };
    let somewhere = notice.location != Location::default();
    Notification {
        descriptor: DescriptorReference { id: notice.code.as_str() },
        level,
        message: Message::text(notice.message.as_str()),
        locations: somewhere.then(|| place::of(&notice.location, None)).into_iter().collect(),
    }
}

/// What a detector did not look at.
pub(super) fn of_gap(gap: String) -> Notification {
    warning("coverage", gap)
}

/// A warning without a place.
pub(super) fn warning(id: &'static str, text: String) -> Notification {
    Notification {
        descriptor: DescriptorReference { id },
        level: "warning",
        message: Message::text(text),
        locations: Vec::new(),
    }
}
