-- Version 1. One row: the last revision that was given.
CREATE TABLE sequence (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO sequence VALUES (1, 0);

CREATE TABLE collection (
    key      INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL UNIQUE,
    -- Of the last change of any of its documents.
    revision INTEGER NOT NULL,
    -- Of the contents of its current documents.
    bytes    INTEGER NOT NULL,
    -- The revision of its last declaration: with another one, the members may be others.
    declared INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: the key of a member that was dropped never means another.
CREATE TABLE member (
    key        INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL,
    pointer    TEXT    NOT NULL,
    is_unique  INTEGER NOT NULL,
    -- 0 while the documents that were there before it are being entered.
    ready      INTEGER NOT NULL,
    UNIQUE (collection, pointer)
) STRICT;

CREATE TABLE document (
    -- The revision of its creation.
    key        INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    id         TEXT    NOT NULL,
    revision   INTEGER NOT NULL,
    modified   INTEGER NOT NULL,
    -- NULL: current. Otherwise it was deleted, and that is known until then.
    until      INTEGER,
    content    BLOB    NOT NULL,
    UNIQUE (collection, id)
) STRICT;
CREATE INDEX document_order ON document (collection) WHERE until IS NULL;
CREATE INDEX document_until ON document (until) WHERE until IS NOT NULL;

-- What each declared member of each current document is; `value` is as index.rs writes it, so that bytes order as values.
CREATE TABLE entry (
    member   INTEGER NOT NULL,
    value    BLOB    NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (member, value, document)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_document ON entry (document, member);

-- Answers to requests with an Idempotency-Key; `key` is a digest of whose it is and of itself.
CREATE TABLE answer (
    key         BLOB    PRIMARY KEY,
    fingerprint BLOB    NOT NULL,
    until       INTEGER NOT NULL,
    answer      BLOB    NOT NULL
) STRICT;
CREATE INDEX answer_until ON answer (until);

-- Files that were uploaded and are there (`until` NULL), or were deleted.
CREATE TABLE file (
    route TEXT    NOT NULL,
    path  TEXT    NOT NULL,
    bytes INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (route, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_until ON file (until) WHERE until IS NOT NULL;

-- The sum of the bytes of a route's files.
CREATE TABLE usage (
    route TEXT    PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is about to be done to a file.
CREATE TABLE intent (
    key       INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Which opening of the store it belongs to.
    opening   INTEGER NOT NULL,
    route     TEXT    NOT NULL,
    path      TEXT    NOT NULL,
    -- The name that it has until it is renamed; NULL: it is a deletion.
    temporary TEXT,
    -- Reserved.
    bytes     INTEGER NOT NULL,
    until     INTEGER
) STRICT;
CREATE INDEX intent_route ON intent (route, path);

CREATE TABLE job (
    -- The revision of its creation: its place in the queue.
    key      INTEGER PRIMARY KEY,
    id       TEXT    NOT NULL UNIQUE,
    route    TEXT    NOT NULL,
    owner    TEXT,
    -- 0 waiting, 1 running, 2 done, 3 failed, 4 gone.
    state    INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- Waiting: not before. Running: until when it is leased. Later: when it finished.
    due      INTEGER NOT NULL,
    -- Until when its result, or that it is gone, is known; 0 until it has finished.
    until    INTEGER NOT NULL,
    type     TEXT    NOT NULL,
    content  BLOB    NOT NULL,
    -- Of the result; where it failed, `result` is why.
    status      INTEGER,
    result_type TEXT,
    result      BLOB
) STRICT;
CREATE INDEX job_queue ON job (route, state, key);
CREATE INDEX job_until ON job (state, until);
