//! `probe-tls-*`: what is wrong with the certificate, and old versions that are still spoken.

use testudo_model::Confidence;
use testudo_net::tls::{CertificateFault, Look, OldVersion};

use crate::{Ask, Unverified, finding::Draft, run::Run, session::NoAnswer};

/// Looks at the target before anything is sent. Says whether its certificate can be trusted; where not, headers of the user
/// stay here unless they may go all the same.
pub(crate) fn check(run: &mut Run<'_, '_>, unverified: Unverified) -> Result<bool, NoAnswer> {
    let Look { faults, certificate, .. } = run.session.look()?;
    let trusted = faults.iter().all(|fault| *fault == CertificateFault::ExpiresSoon);
    if !trusted {
        run.session.trust(certificate);
        run.session.credentials.withheld = unverified == Unverified::Withhold;
    }
    for fault in faults {
        let (rule, message) = told(fault);
        say(run, rule, message.to_owned());
    }
    let mut old = Vec::new();
    for version in [OldVersion::Tls10, OldVersion::Tls11] {
        if run.session.agrees(version)? {
            old.push(version.as_str());
        }
    }
    if !old.is_empty() {
        say(run, "probe-tls-old-version", format!("the server agrees to speak {}", old.join(" and ")));
    }
    Ok(trusted)
}

fn say(run: &mut Run<'_, '_>, rule: &'static str, message: String) {
    let ask = Ask::look(run.session.scope.url().target());
    let (route, subject, evidence) = ("*", ("", ""), Vec::new());
    run.add(&Draft { rule, route, subject, ask: &ask, message, confidence: Confidence::High, evidence });
}

const fn told(fault: CertificateFault) -> (&'static str, &'static str) {
    match fault {
        CertificateFault::Expired => ("probe-tls-certificate-expired", "the certificate has ended"),
        CertificateFault::NotYetValid => ("probe-tls-certificate-expired", "the certificate has not begun"),
        CertificateFault::ExpiresSoon => ("probe-tls-certificate-expires", "the certificate ends within 14 days"),
        CertificateFault::OtherName => ("probe-tls-certificate-name", "the certificate does not name this host"),
        CertificateFault::UnknownIssuer => (
            "probe-tls-certificate-untrusted",
            "no trusted authority vouches for the certificate: it is self-signed, of a private authority, or an \
             intermediate certificate is missing",
        ),
        CertificateFault::Unusable => ("probe-tls-certificate-untrusted", "the certificate cannot be read"),
    }
}
