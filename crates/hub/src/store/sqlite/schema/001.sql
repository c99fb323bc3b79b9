-- Times are RFC 3339 in UTC, days YYYY-MM-DD; what is compared by the program as time is seconds since 1970.

CREATE TABLE person (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'developer', 'security', 'admin')),
  handles TEXT NOT NULL DEFAULT '[]',
  active INTEGER NOT NULL DEFAULT 1,
  created TEXT NOT NULL
) STRICT;

CREATE TABLE link (
  handle BLOB PRIMARY KEY,
  digest BLOB NOT NULL,
  person INTEGER NOT NULL REFERENCES person,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
  handle BLOB PRIMARY KEY,
  digest BLOB NOT NULL,
  person INTEGER NOT NULL REFERENCES person,
  seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
  id INTEGER PRIMARY KEY,
  handle BLOB NOT NULL UNIQUE,
  digest BLOB NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('push', 'agent')),
  subject TEXT NOT NULL,
  created TEXT NOT NULL,
  created_by TEXT NOT NULL,
  used TEXT,
  revoked TEXT
) STRICT;

CREATE TABLE product (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created TEXT NOT NULL,
  facts TEXT NOT NULL DEFAULT '{}',
  -- Counts up with whatever changes its board.
  revision INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Who plans say has which part.
CREATE TABLE plan_role (
  product INTEGER NOT NULL REFERENCES product,
  id TEXT NOT NULL,
  people TEXT NOT NULL,
  channel TEXT NOT NULL,
  PRIMARY KEY (product, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE scan (
  id INTEGER PRIMARY KEY,
  product INTEGER NOT NULL REFERENCES product,
  digest TEXT NOT NULL,
  received TEXT NOT NULL,
  started TEXT NOT NULL,
  tool TEXT NOT NULL,
  complete INTEGER NOT NULL,
  opened INTEGER NOT NULL DEFAULT 0,
  closed INTEGER NOT NULL DEFAULT 0,
  kept INTEGER NOT NULL DEFAULT 0,
  coverage TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX scan_of_product ON scan (product, id);

CREATE TABLE finding (
  id INTEGER PRIMARY KEY,
  product INTEGER NOT NULL REFERENCES product,
  fingerprint TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'suppressed', 'accepted', 'false-positive', 'wont-fix')),
  severity INTEGER NOT NULL,
  rule TEXT NOT NULL,
  title TEXT NOT NULL,
  message TEXT NOT NULL,
  path TEXT NOT NULL,
  line INTEGER NOT NULL,
  owners TEXT NOT NULL,
  detector TEXT NOT NULL,
  tool TEXT NOT NULL,
  -- Whether it stands in files that are there, so that a look at them says that it is gone.
  in_tree INTEGER NOT NULL,
  first_scan INTEGER NOT NULL,
  last_scan INTEGER NOT NULL,
  opened TEXT NOT NULL,
  closed TEXT,
  reason TEXT,
  until TEXT,
  decided_by TEXT,
  -- The state that was decided: a finding that comes back has it again.
  decided TEXT,
  decision INTEGER,
  UNIQUE (product, fingerprint),
  -- A decision has a reason and an end.
  CHECK (state NOT IN ('accepted', 'false-positive', 'wont-fix')
         OR (length(trim(reason)) > 0 AND until IS NOT NULL AND decided_by IS NOT NULL))
) STRICT;
CREATE INDEX finding_by_state ON finding (state, severity, id);
CREATE INDEX finding_by_product ON finding (product, state, severity, id);
CREATE INDEX finding_by_rule ON finding (rule, state, severity, id);
CREATE INDEX finding_by_scan ON finding (first_scan, severity, id);
CREATE INDEX finding_by_end ON finding (until) WHERE until IS NOT NULL;

CREATE TABLE finding_owner (
  owner TEXT NOT NULL,
  -- That of the finding: a list of one owner is walked in the order in which it is shown.
  severity INTEGER NOT NULL,
  finding INTEGER NOT NULL REFERENCES finding,
  PRIMARY KEY (owner, severity, finding)
) STRICT, WITHOUT ROWID;
CREATE INDEX owner_of_finding ON finding_owner (finding);

CREATE TABLE finding_document (
  finding INTEGER PRIMARY KEY REFERENCES finding,
  document TEXT NOT NULL
) STRICT;

CREATE TABLE ledger (
  id INTEGER PRIMARY KEY,
  product INTEGER NOT NULL REFERENCES product,
  environment TEXT NOT NULL,
  keys TEXT NOT NULL,
  ledger TEXT NOT NULL,
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  time TEXT NOT NULL,
  head TEXT NOT NULL,
  pinned TEXT NOT NULL,
  UNIQUE (product, environment)
) STRICT;

CREATE TABLE ledger_line (
  ledger INTEGER NOT NULL REFERENCES ledger,
  seq INTEGER NOT NULL,
  line BLOB NOT NULL,
  PRIMARY KEY (ledger, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent (
  name TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  boot TEXT NOT NULL,
  seq INTEGER NOT NULL,
  batch TEXT NOT NULL,
  version TEXT NOT NULL DEFAULT '',
  reduced TEXT NOT NULL DEFAULT '[]',
  lost INTEGER NOT NULL DEFAULT 0,
  seen TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The highest number of each start of an agent: what was sent twice is known twice.
CREATE TABLE agent_boot (
  agent TEXT NOT NULL,
  boot TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (agent, boot)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert (
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  host TEXT NOT NULL,
  product INTEGER REFERENCES product,
  time TEXT NOT NULL,
  severity INTEGER NOT NULL,
  rule TEXT NOT NULL,
  title TEXT NOT NULL,
  release TEXT,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX alert_by_time ON alert (time, id);

CREATE TABLE response (
  id TEXT NOT NULL,
  state TEXT NOT NULL,
  alert TEXT NOT NULL,
  time TEXT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (id, state)
) STRICT, WITHOUT ROWID;
CREATE INDEX response_by_alert ON response (alert);

-- Which product an agent watches: its environment, so that alerts stand on the product's line of time.
CREATE TABLE watch (
  agent TEXT PRIMARY KEY,
  product INTEGER NOT NULL REFERENCES product
) STRICT, WITHOUT ROWID;

CREATE TABLE concern (
  id INTEGER PRIMARY KEY,
  product TEXT NOT NULL,
  title TEXT NOT NULL CHECK (length(trim(title)) > 0),
  text TEXT NOT NULL,
  raised_by TEXT NOT NULL,
  raised TEXT NOT NULL,
  owner TEXT NOT NULL CHECK (length(trim(owner)) > 0),
  due TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'in-progress', 'closed', 'accepted')),
  answer TEXT,
  answered_by TEXT,
  answered TEXT,
  decision INTEGER,
  -- Nothing ends without an answer.
  CHECK (state NOT IN ('closed', 'accepted')
         OR (answer IS NOT NULL AND length(trim(answer)) > 0 AND answered_by IS NOT NULL))
) STRICT;
CREATE INDEX concern_by_state ON concern (state, due, id);

-- One line of time for each product.
CREATE TABLE moment (
  id INTEGER PRIMARY KEY,
  product INTEGER NOT NULL REFERENCES product,
  time TEXT NOT NULL,
  kind TEXT NOT NULL,
  mark TEXT NOT NULL,
  said TEXT NOT NULL,
  about TEXT NOT NULL DEFAULT '',
  link TEXT NOT NULL DEFAULT '',
  environment TEXT NOT NULL DEFAULT '',
  seq INTEGER,
  cause INTEGER REFERENCES moment
) STRICT;
CREATE INDEX moment_of_product ON moment (product, time, id);
CREATE INDEX moment_about ON moment (product, about, id);

-- Who did what. Each row holds the hash of the one before; rows are only added.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  time TEXT NOT NULL,
  actor TEXT NOT NULL,
  address TEXT NOT NULL,
  action TEXT NOT NULL,
  said TEXT NOT NULL,
  -- Number of the entry in the hub's own ledger, for decisions.
  decision INTEGER,
  hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is only added to'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is only added to'); END;
CREATE TRIGGER line_is_not_changed BEFORE UPDATE ON ledger_line BEGIN SELECT RAISE(ABORT, 'a ledger is only added to'); END;
CREATE TRIGGER line_is_not_deleted BEFORE DELETE ON ledger_line BEGIN SELECT RAISE(ABORT, 'a ledger is only added to'); END;
