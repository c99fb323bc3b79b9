-- What is about to stand in the hub's own ledger. A row is there from before the entry is written until its change is done.
CREATE TABLE intent (
  id TEXT PRIMARY KEY,
  document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The last entry of the hub's own ledger whose change is done.
CREATE TABLE own_head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  head TEXT NOT NULL
) STRICT;

-- When a session began and from where. Sessions of before begin anew.
DELETE FROM session;
ALTER TABLE session ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';
CREATE INDEX session_of_person ON session (person);

CREATE INDEX concern_of_person ON concern (raised_by, id);

-- The branch whose scans open and close findings; none as long as no push named one.
ALTER TABLE product ADD COLUMN default_ref TEXT;
ALTER TABLE product ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
-- Empty for the default branch.
ALTER TABLE scan ADD COLUMN ref TEXT NOT NULL DEFAULT '';
CREATE INDEX scan_of_ref ON scan (product, ref, id);

-- Other branches, as their last scan saw them.
CREATE TABLE branch (
  product INTEGER NOT NULL REFERENCES product,
  ref TEXT NOT NULL,
  scan INTEGER NOT NULL,
  received TEXT NOT NULL,
  findings INTEGER NOT NULL,
  only_here INTEGER NOT NULL,
  PRIMARY KEY (product, ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE branch_finding (
  product INTEGER NOT NULL REFERENCES product,
  ref TEXT NOT NULL,
  severity INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  rule TEXT NOT NULL,
  title TEXT NOT NULL,
  path TEXT NOT NULL,
  line INTEGER NOT NULL,
  PRIMARY KEY (product, ref, severity, fingerprint)
) STRICT, WITHOUT ROWID;

-- How far a copy of a ledger was known when other keys were accepted, and the keys of before.
CREATE TABLE former_keys (
  ledger INTEGER NOT NULL REFERENCES ledger,
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  keys TEXT NOT NULL,
  head TEXT NOT NULL,
  time TEXT NOT NULL,
  reason TEXT NOT NULL,
  accepted_by TEXT NOT NULL,
  decision INTEGER NOT NULL,
  PRIMARY KEY (ledger, decision)
) STRICT, WITHOUT ROWID;

-- Lines go only with their whole product.
ALTER TABLE ledger ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER line_is_not_deleted;
CREATE TRIGGER line_is_not_deleted BEFORE DELETE ON ledger_line
WHEN NOT EXISTS (SELECT 1 FROM ledger WHERE id = OLD.ledger AND leaving = 1)
BEGIN SELECT RAISE(ABORT, 'a ledger is only added to'); END;

-- What refers to a product or a moment is found without looking at everything, when a product goes.
CREATE INDEX moment_by_cause ON moment (cause) WHERE cause IS NOT NULL;
CREATE INDEX alert_of_product ON alert (product) WHERE product IS NOT NULL;
CREATE INDEX watch_of_product ON watch (product);

-- Gates that failed, and the open findings that each judged; a finding is known by its identity.
CREATE TABLE gate (
  product INTEGER NOT NULL REFERENCES product,
  environment TEXT NOT NULL,
  seq INTEGER NOT NULL,
  time TEXT NOT NULL,
  findings INTEGER NOT NULL,
  PRIMARY KEY (product, environment, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE gate_finding (
  product INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  environment TEXT NOT NULL,
  seq INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  PRIMARY KEY (product, fingerprint, environment, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_of_gate ON gate_finding (product, environment, seq, severity, fingerprint);

CREATE INDEX concern_of_owner ON concern (owner, due, id) WHERE state IN ('open', 'in-progress');
CREATE INDEX plan_role_by_id ON plan_role (id);

-- Has a row as long as what was decided before decisions had entries does not stand in the hub's own ledger.
CREATE TABLE adopting (since INTEGER NOT NULL) STRICT;
INSERT INTO adopting SELECT 1 WHERE EXISTS (SELECT 1 FROM person) OR EXISTS (SELECT 1 FROM token);

-- Lists of all states are walked in the order in which they are shown.
CREATE INDEX finding_by_severity ON finding (severity, id);
CREATE INDEX session_in_audit ON audit (actor) WHERE action = 'session.begin';
