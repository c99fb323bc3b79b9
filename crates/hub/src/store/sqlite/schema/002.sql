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
