//! Terraform: resources that hold data.

use super::{Discovery, Part, ProjectFile};

/// Types of resources, and the kind of what they make. The first one that fits counts.
const RESOURCES: [(&str, &str); 25] = [
    ("aws_db_instance", "datastore"),
    ("aws_rds_cluster", "datastore"),
    ("aws_dynamodb_table", "datastore"),
    ("aws_docdb_cluster", "datastore"),
    ("aws_neptune_cluster", "datastore"),
    ("aws_redshift_cluster", "datastore"),
    ("aws_opensearch_domain", "datastore"),
    ("aws_elasticsearch_domain", "datastore"),
    ("aws_elasticache_cluster", "cache"),
    ("aws_elasticache_replication_group", "cache"),
    ("aws_s3_bucket", "storage"),
    ("aws_efs_file_system", "storage"),
    ("aws_sqs_queue", "queue"),
    ("aws_msk_cluster", "queue"),
    ("google_sql_database_instance", "datastore"),
    ("google_spanner_instance", "datastore"),
    ("google_bigtable_instance", "datastore"),
    ("google_storage_bucket", "storage"),
    ("google_redis_instance", "cache"),
    ("google_pubsub_topic", "queue"),
    ("azurerm_cosmosdb_account", "datastore"),
    ("azurerm_mssql_server", "datastore"),
    ("azurerm_postgresql_flexible_server", "datastore"),
    ("azurerm_mysql_flexible_server", "datastore"),
    ("azurerm_storage_account", "storage"),
];

pub(super) fn read(file: &ProjectFile<'_>, found: &mut Discovery) {
    for line in file.text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("resource") {
            continue;
        }
        let (Some(kind), Some(name)) = (words.next().map(unquoted), words.next().map(unquoted)) else { continue };
        if let Some((_, kind)) = RESOURCES.iter().find(|(known, _)| *known == kind) {
            let part = Part { kind, source: None, runs_as: None, seen_in: file.path.to_owned() };
            found.part(&name.replace('_', "-"), part);
        }
    }
}

fn unquoted(word: &str) -> &str {
    word.trim_end_matches('{').trim_matches('"')
}
