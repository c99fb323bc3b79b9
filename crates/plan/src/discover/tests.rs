//! What is found in files of each kind, and that the draft of what was found is a plan that is right.

use super::*;
use crate::{
    Source, check,
    draft::{Answers, draft},
    file,
    nouns::Class,
    risk,
};

/// One line a component, a way in, a flow and a note.
fn lines(files: &[(&str, &str)]) -> Vec<String> {
    let found = found(files);
    let parts = found.parts.iter().map(|(id, part)| {
        let (source, user) = (part.source.as_deref().unwrap_or("-"), part.runs_as.as_deref().unwrap_or("-"));
        format!("{id}: {} {source} {user}", part.kind)
    });
    let ways = found.ways.iter().map(|(id, way)| {
        let spec = way.spec.as_deref().unwrap_or("-");
        format!("{id}: {:?} {} {spec}", way.reach, way.auth.as_deref().unwrap_or("-"))
    });
    let flows = found.flows.iter().map(|(from, to)| format!("{from} -> {to}"));
    parts.chain(ways).chain(flows).chain(found.notes.iter().cloned()).collect()
}

fn found(files: &[(&str, &str)]) -> Discovery {
    let files: Vec<ProjectFile<'_>> =
        files.iter().filter(|(path, _)| wants(path)).map(|(path, text)| ProjectFile { path, text }).collect();
    let found = discover("Clinic Portal", &files);
    let answers = Answers {
        product: "Clinic \"Portal\"\n".to_owned(),
        owner: "security".to_owned(),
        people: vec!["ana".to_owned()],
        channel: "#sec".to_owned(),
        data: vec![("records".to_owned(), Class::Restricted)],
        review_by: "2030-01-01".parse().unwrap(),
    };
    let text = draft(&found, &answers);
    let sources = [Source { name: "plan.toml", text: &text }];
    let reading = file::read(&sources);
    let mut problems = reading.problems.clone();
    problems.extend(check::consistency(&reading.plan, &sources));
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    assert_eq!(reading.plan.components.len(), found.parts.len());
    assert_eq!(reading.plan.entries.len(), found.ways.len());
    assert_eq!(risk::risks(&reading.plan).len(), found.parts.len());
    found
}

#[test]
fn the_last_stage_of_an_image_counts() {
    let text = "FROM a AS build\nUSER root\nEXPOSE 1\nFROM b\nUSER 65532:0\nEXPOSE 3000\n";
    assert_eq!(lines(&[("Dockerfile", text)]), ["clinic-portal: web . 65532:0", "clinic-portal.http: Internet - -"]);
    let worker = "FROM a\nEXPOSE 1\nFROM b\nUSER $APP\n";
    assert_eq!(lines(&[("jobs/mail/Dockerfile", worker)]), ["mail: worker jobs/mail -"]);
    assert_eq!(lines(&[("Dockerfile", "nothing")]), ["Dockerfile: has no stage and was left out"]);
    assert_eq!(lines(&[("test/Dockerfile", text), ("docker-compose.test.yml", "services: {a: {image: b}}")]), [""; 0]);
}

#[test]
fn services_of_compose_take_the_place_of_the_images_they_build() {
    let compose = "services:\n  shop:\n    build: ./app\n    ports: ['8080:80']\n    depends_on: [db, mail]\n  \
        admin:\n    image: acme/admin\n    ports: ['127.0.0.1:9000:90']\n    user: nobody\n    links: ['db:database']\n  \
        db:\n    image: postgres:16\n  mail:\n    build: {context: mail}\n";
    let image = "FROM a\nUSER app\nEXPOSE 80\n";
    assert_eq!(
        lines(&[("app/Dockerfile", image), ("compose.yaml", compose)]),
        [
            "admin: web - nobody",
            "db: datastore - -",
            "mail: worker mail -",
            "shop: web app app",
            "admin.http: Internal - -",
            "shop.http: Internet - -",
            "admin -> db",
            "shop -> db",
            "shop -> mail",
        ]
    );
    assert!(lines(&[("compose.yaml", "services: [")])[0].starts_with("compose.yaml:"));
}

#[test]
fn workloads_are_reached_through_services() {
    let workload = |name: &str, image: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
             spec:\n      securityContext: {{runAsUser: 1000}}\n      containers: [{{image: '{image}'}}]\n"
        )
    };
    let service = |name: &str, kind: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}-svc}}\nspec: {{type: {kind}, selector: {{app: {name}}}}}\n"
        )
    };
    let ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec:\n  rules:\n  - http:\n      paths:\n      - \
        backend: {service: {name: shop-svc}}\n";
    let text = workload("shop", "acme/shop:1")
        + &workload("queue", "rabbitmq:3")
        + &workload("lone", "acme/lone")
        + &workload("front", "acme/front")
        + &service("shop", "ClusterIP")
        + &service("queue", "ClusterIP")
        + &service("front", "LoadBalancer")
        + ingress;
    assert_eq!(
        lines(&[("deploy/all.yml", &text)]),
        [
            "front: web - 1000",
            "lone: worker - 1000",
            "queue: queue - 1000",
            "shop: web - 1000",
            "front.http: Internet - -",
            "queue.http: Internal - -",
            "shop.http: Internet - -",
        ]
    );
}

#[test]
fn descriptions_say_what_is_asked_of_users() {
    for (operation, global, auth) in [
        ("{}", "", "none"),
        ("{}", "security: [{bearer: []}]\n", "bearer"),
        ("{security: []}", "security: [{bearer: []}]\n", "none"),
        ("{security: [{}, {bearer: []}]}", "", "none"),
        ("{security: [{key: []}]}", "", "key"),
    ] {
        let text = format!("openapi: 3.0.0\n{global}paths:\n  /a:\n    get: {operation}\n");
        let found = lines(&[("api/openapi.yaml", &text)]);
        let way = format!("clinic-portal.openapi: Internet {auth} api/openapi.yaml");
        assert_eq!(found, ["clinic-portal: api api -".to_owned(), way]);
    }
    let upload = "{\"swagger\": \"2.0\", \"paths\": {\"/a\": {\"post\": {\"consumes\": [\"multipart/form-data\"]}}}}";
    let found = found(&[("Dockerfile", "FROM a\nEXPOSE 1\n"), ("swagger.json", upload)]);
    assert!(found.ways["clinic-portal.swagger"].upload && found.parts.len() == 1);
}

#[test]
fn stores_are_found_in_resources_and_in_drivers() {
    let terraform = "resource \"aws_db_instance\" \"main_db\" {\n}\nresource \"aws_s3_bucket\" \"logs\" {}\nresource \"aws_vpc\" \"v\" {}\n";
    assert_eq!(lines(&[("infra/main.tf", terraform)]), ["logs: storage - -", "main-db: datastore - -"]);
    let package = "{\"dependencies\": {\"express\": \"1\", \"sqlite3\": \"5\"}}";
    let image = ("Dockerfile", "FROM a\nEXPOSE 1\n");
    assert_eq!(
        lines(&[image, ("package.json", package)]),
        [
            "clinic-portal: web . -",
            "sqlite: datastore - -",
            "clinic-portal.http: Internet - -",
            "clinic-portal -> sqlite"
        ]
    );
    // A database that runs beside it is the one that the driver leads to.
    let compose = "services:\n  shop: {build: ., ports: ['80:80']}\n  postgres: {image: 'postgres:16'}\n";
    assert_eq!(
        lines(&[("compose.yml", compose), ("requirements.txt", "Flask==3\npsycopg2-binary>=2\n# pymysql\n")]),
        ["postgres: datastore - -", "shop: web . -", "shop.http: Internet - -", "shop -> postgres"]
    );
    assert!(lines(&[("package.json", "{")])[0].starts_with("package.json: was not read"));
}

#[test]
fn hostile_names_stay_names() {
    let compose = "services:\n  \"a\\\"]\\n[[role]]\": {image: x, user: \"r\\\"\\n[plan]\", ports: ['1:1']}\n";
    assert_eq!(lines(&[("x\n[[zone]]/compose.yml", compose)]).len(), 2);
}
