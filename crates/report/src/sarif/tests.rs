//! The whole text of one result, and what the standard and GitHub ask of a run.

use serde_json::Value;
use testudo_model::{ScanReport, Severity};

use super::limit::{MAX_RELATED, MAX_RESULTS, MAX_TAGS};
use crate::sample::{self, written};
use crate::{Format, Options};

fn run(report: &ScanReport) -> Value {
    let text = written(report, Format::Sarif, &Options::default());
    let mut log: Value = serde_json::from_str(&text).unwrap();
    log["runs"][0].take()
}

#[test]
fn a_small_report() {
    let mut report = sample::report();
    report.findings = vec![report.findings[1].clone()];
    report.findings[0].related.truncate(1);
    assert_eq!(
        written(&report, Format::Sarif, &Options::default()),
        r##"{
  "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
  "version": "2.1.0",
  "runs": [
    {
      "tool": {
        "driver": {
          "name": "testudo",
          "semanticVersion": "0.1.0",
          "rules": [
            {
              "id": "acme-api-key",
              "name": "AcmeApiKey",
              "shortDescription": {
                "text": "Acme API key"
              },
              "fullDescription": {
                "text": "Whoever holds it pays with **your** account."
              },
              "help": {
                "text": "# Acme API key\n\nWhoever holds it pays with **your** account.\n",
                "markdown": "# Acme API key\n\nWhoever holds it pays with **your** account.\n"
              },
              "helpUri": "https://docs.acme.example/keys",
              "defaultConfiguration": {
                "level": "error"
              },
              "properties": {
                "aliases": [
                  "gitleaks:acme-key"
                ],
                "cwe": [
                  798
                ],
                "detector": "secrets",
                "owasp": [],
                "precision": "high",
                "security-severity": "9.5",
                "tags": [
                  "security",
                  "CWE-798",
                  "external/cwe/cwe-798"
                ]
              }
            }
          ]
        }
      },
      "invocations": [
        {
          "executionSuccessful": false,
          "startTimeUtc": "2026-01-31T12:00:00Z",
          "toolExecutionNotifications": [
            {
              "descriptor": {
                "id": "too-large"
              },
              "level": "warning",
              "message": {
                "text": "is 900 MB, the limit is 256 MB; raise `max-file-size` to read it"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "data/dump.sql",
                      "uriBaseId": "%SRCROOT%"
                    }
                  }
                }
              ]
            },
            {
              "descriptor": {
                "id": "coverage"
              },
              "level": "warning",
              "message": {
                "text": "secrets is incomplete; skipped: 1 too-large"
              }
            },
            {
              "descriptor": {
                "id": "coverage"
              },
              "level": "warning",
              "message": {
                "text": "deps did not run"
              }
            }
          ]
        }
      ],
      "originalUriBaseIds": {
        "%SRCROOT%": {
          "description": {
            "text": "The directory that the scan was started in."
          }
        }
      },
      "results": [
        {
          "ruleId": "acme-api-key",
          "ruleIndex": 0,
          "level": "error",
          "message": {
            "text": "The key `acme_live_...9f3a (42)` gives access to the Acme account."
          },
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "src/config.py",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 3,
                  "startColumn": 8,
                  "endLine": 3,
                  "endColumn": 28
                },
                "contextRegion": {
                  "startLine": 2,
                  "endLine": 4,
                  "snippet": {
                    "text": "import os\nkey = \"acme_live_*****9f3a\"\nclient(key)"
                  }
                }
              }
            }
          ],
          "partialFingerprints": {
            "testudo/v1": "1:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
          },
          "relatedLocations": [
            {
              "id": 1,
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "deploy/1.env",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 1,
                  "startColumn": 5,
                  "endLine": 1,
                  "endColumn": 9
                }
              }
            }
          ],
          "fixes": [
            {
              "description": {
                "text": "Revoke the key, then read it from the environment."
              },
              "artifactChanges": [
                {
                  "artifactLocation": {
                    "uri": "src/config.py",
                    "uriBaseId": "%SRCROOT%"
                  },
                  "replacements": [
                    {
                      "deletedRegion": {
                        "startLine": 3,
                        "startColumn": 7,
                        "endLine": 3,
                        "endColumn": 29
                      },
                      "insertedContent": {
                        "text": "os.environ[\"ACME_KEY\"]"
                      }
                    }
                  ]
                }
              ]
            }
          ],
          "suppressions": [],
          "properties": {
            "aliases": [
              "gitleaks:acme-key"
            ],
            "commit": {
              "author": "Ann Example",
              "date": "2025-11-02T08:15:00Z",
              "email": "ann@corp.example",
              "id": "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
              "in_head": false,
              "subject": "Add deployment settings"
            },
            "confidence": "high",
            "cwe": [
              798
            ],
            "detector": "secrets",
            "incident": "ab",
            "owasp": [],
            "owner": [
              "@acme/payments"
            ],
            "persona": "regular",
            "secret_hmac": "0123456789abcdef0123456789abcdef",
            "security-severity": "9.5",
            "severity": "critical",
            "tags": [
              "security",
              "CWE-798",
              "external/cwe/cwe-798"
            ]
          }
        }
      ],
      "columnKind": "unicodeCodePoints"
    }
  ]
}
"##
    );
}

#[test]
fn suppressions_are_told_for_all_results() {
    let run = run(&sample::report());
    let kinds: Vec<_> = (0..3).map(|at| run["results"][at]["suppressions"].as_array().unwrap().len()).collect();
    assert_eq!(kinds, [0, 0, 1]);
    let suppression = &run["results"][2]["suppressions"][0];
    assert_eq!(suppression["kind"], "inSource");
    assert_eq!(suppression["status"], "accepted");
    assert_eq!(suppression["justification"], "fixture of a test");
}

#[test]
fn a_flow_is_a_code_flow_and_no_property() {
    let run = run(&sample::report());
    let result = &run["results"][0];
    let steps = result["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap();
    let lines: Vec<_> = steps.iter().map(|step| &step["location"]["physicalLocation"]["region"]["startLine"]).collect();
    assert_eq!(lines, [4, 12]);
    assert_eq!(steps[1]["location"]["message"]["text"], "reaches the query");
    assert!(result["properties"].get("flow").is_none());
}

#[test]
fn every_rule_index_points_at_its_rule() {
    let run = run(&sample::report());
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
}

#[test]
fn properties_of_the_detector_stay() {
    let mut report = sample::report();
    report.findings[0].properties.insert("resource".to_owned(), "aws_s3_bucket.b".into());
    report.findings[0].properties.insert("tags".to_owned(), "mine".into());
    let properties = &run(&report)["results"][0]["properties"];
    assert_eq!(properties["resource"], "aws_s3_bucket.b");
    assert_eq!(properties["tags"][1], "CWE-89");
}

#[test]
fn brackets_are_no_links() {
    let mut report = sample::report();
    report.findings[0].message = "see [here](1) and a[0]".to_owned();
    report.findings[1].message = "a[0] alone".to_owned();
    let run = run(&report);
    assert_eq!(run["results"][0]["message"]["text"], "see \\[here\\](1) and a\\[0\\]");
    assert_eq!(run["results"][1]["message"]["text"], "a[0] alone");
}

#[test]
fn limits_keep_the_worst_and_are_told() {
    let mut report = sample::empty();
    report.findings = (0..=MAX_RESULTS).map(|_| sample::finding("a.py", 7)).collect();
    report.findings[0].severity = Severity::Low;
    report.findings[1].severity = Severity::Critical;
    report.findings[1].related = vec![report.findings[0].location.clone(); MAX_RELATED + 5];
    report.findings[1].cwe = (1..=30).collect();
    let run = run(&report);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), MAX_RESULTS);
    assert_eq!(results[0]["properties"]["severity"], "critical");
    assert_eq!(results[0]["relatedLocations"].as_array().unwrap().len(), MAX_RELATED);
    assert_eq!(run["tool"]["driver"]["rules"][0]["properties"]["tags"].as_array().unwrap().len(), MAX_TAGS);
    let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    let told = notifications.last().unwrap();
    assert_eq!(told["descriptor"]["id"], "output-limit");
    let text = told["message"]["text"].as_str().unwrap();
    assert!(text.contains("1 result, 42 rule tags, 5 related locations."), "{text}");
}

#[test]
fn a_scan_that_did_not_run_was_not_successful() {
    let successful = |report: &ScanReport| run(report)["invocations"][0]["executionSuccessful"].clone();
    let mut report = sample::report();
    assert_eq!(successful(&report), false);
    report.coverage.truncate(2);
    assert_eq!(successful(&report), true);
    report.coverage.clear();
    assert_eq!(successful(&report), false);
}
