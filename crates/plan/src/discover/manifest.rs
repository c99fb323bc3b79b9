//! Lists of packages: drivers of databases that nothing else in the project declares.

use serde_json::Value;

use super::{Discovery, Part, ProjectFile};

/// Drivers, and the id of the database that they lead to.
const DRIVERS: [(&str, &str); 26] = [
    ("sqlite3", "sqlite"),
    ("better-sqlite3", "sqlite"),
    ("pg", "postgres"),
    ("postgres", "postgres"),
    ("mysql", "mysql"),
    ("mysql2", "mysql"),
    ("mariadb", "mariadb"),
    ("mongodb", "mongodb"),
    ("mongoose", "mongodb"),
    ("tedious", "mssql"),
    ("mssql", "mssql"),
    ("oracledb", "oracle"),
    ("cassandra-driver", "cassandra"),
    ("neo4j-driver", "neo4j"),
    ("redis", "redis"),
    ("ioredis", "redis"),
    ("psycopg", "postgres"),
    ("psycopg2", "postgres"),
    ("psycopg2-binary", "postgres"),
    ("asyncpg", "postgres"),
    ("pymysql", "mysql"),
    ("mysqlclient", "mysql"),
    ("mysql-connector-python", "mysql"),
    ("pymongo", "mongodb"),
    ("motor", "mongodb"),
    ("aiosqlite", "sqlite"),
];

pub(super) fn is_one(name: &str) -> bool {
    matches!(name, "package.json" | "requirements.txt")
}

pub(super) fn read(file: &ProjectFile<'_>, found: &mut Discovery) {
    let packages = match file.path.rsplit('/').next() {
        Some("package.json") => match serde_json::from_str::<Value>(file.text) {
            Ok(manifest) => dependencies(&manifest),
            Err(error) => {
                found.notes.push(format!("{}: was not read: {error}", file.path));
                return;
            }
        },
        Some("requirements.txt") => requirements(file.text),
        _ => return,
    };
    let users = found.owner_of(file.path);
    for package in packages {
        let Some((_, database)) = DRIVERS.iter().find(|(driver, _)| *driver == package) else { continue };
        let kind = if *database == "redis" { "cache" } else { "datastore" };
        let id = known_store(found, database).unwrap_or_else(|| {
            let part = Part { kind, source: None, runs_as: None, seen_in: format!("{} ({package})", file.path) };
            found.part(database, part)
        });
        found.flows.extend(users.clone().map(|user| (user, id)));
    }
}

/// A store of this product that was found already, under whatever name.
fn known_store(found: &Discovery, database: &str) -> Option<String> {
    let same = |(id, part): &(&String, &Part)| {
        matches!(part.kind, "datastore" | "cache")
            && (id.contains(database) || matches!(id.as_str(), "db" | "database"))
    };
    found.parts.iter().find(same).map(|(id, _)| id.clone())
}

fn dependencies(manifest: &Value) -> Vec<String> {
    let packages = manifest.get("dependencies").and_then(Value::as_object);
    packages.map(|packages| packages.keys().cloned().collect()).unwrap_or_default()
}

fn requirements(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let end =
            line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(line.len());
        line[..end].to_ascii_lowercase().replace('_', "-")
    };
    text.lines().map(|line| name(line.trim())).filter(|name| !name.is_empty()).collect()
}
