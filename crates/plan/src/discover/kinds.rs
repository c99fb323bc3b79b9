//! What software and what cloud resources are: stores, queues, gateways.

/// Names of images, packages and resources, and the kind of what they bring. The first one that fits counts.
const KINDS: [(&str, &str); 34] = [
    ("postgres", "datastore"),
    ("mysql", "datastore"),
    ("mariadb", "datastore"),
    ("mongo", "datastore"),
    ("mssql", "datastore"),
    ("cockroach", "datastore"),
    ("cassandra", "datastore"),
    ("couchdb", "datastore"),
    ("dynamodb", "datastore"),
    ("elasticsearch", "datastore"),
    ("opensearch", "datastore"),
    ("clickhouse", "datastore"),
    ("influxdb", "datastore"),
    ("neo4j", "datastore"),
    ("redis", "cache"),
    ("valkey", "cache"),
    ("memcached", "cache"),
    ("rabbitmq", "queue"),
    ("kafka", "queue"),
    ("nats", "queue"),
    ("activemq", "queue"),
    ("minio", "storage"),
    ("nginx", "gateway"),
    ("traefik", "gateway"),
    ("haproxy", "gateway"),
    ("caddy", "gateway"),
    ("envoy", "gateway"),
    ("kong", "gateway"),
    ("keycloak", "identity"),
    ("authentik", "identity"),
    ("dex", "identity"),
    ("openldap", "identity"),
    ("vault", "vault"),
    ("openbao", "vault"),
];

/// The kind of a container image, by the last part of its name.
pub(super) fn of_image(image: &str) -> Option<&'static str> {
    let name = image.rsplit('/').next()?.split(['@', ':']).next()?.to_ascii_lowercase();
    let fits = |known: &str| {
        name.strip_prefix(known).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()))
            || known == "mongo" && name == "mongodb"
            || known == "postgres" && name == "postgresql"
    };
    KINDS.iter().find(|(known, _)| fits(known)).map(|(_, kind)| *kind)
}

/// Whether a component of this kind holds data.
pub(crate) fn stores(kind: &str) -> bool {
    matches!(kind, "datastore" | "storage" | "queue" | "cache")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_their_last_part() {
        for (image, kind) in [
            ("postgres:16", Some("datastore")),
            ("docker.example/bitnami/postgresql@sha256:00", Some("datastore")),
            ("mongodb", Some("datastore")),
            ("redis-stack:7", Some("cache")),
            ("nginx", Some("gateway")),
            ("dexter/app:1", None),
            ("natsuki", None),
            ("example/shop:1", None),
        ] {
            assert_eq!(of_image(image), kind, "{image}");
        }
    }
}
