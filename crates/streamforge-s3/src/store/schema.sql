-- The index: what exists. A blob file that no row names does not exist, and is removed when the store is opened.

-- One row: the last number given to a content or to an event. It never goes back, so the later write has the larger one.
CREATE TABLE sequence (last INTEGER NOT NULL) STRICT;
INSERT INTO sequence VALUES (0);

CREATE TABLE buckets (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,
    -- JSON lists of rules.
    cors TEXT,
    lifecycle TEXT
) STRICT;

-- Keys are blobs, so that they compare byte by byte, as S3 lists them.
CREATE TABLE objects (
    bucket_id INTEGER NOT NULL REFERENCES buckets (id),
    key BLOB NOT NULL,
    content_id INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    headers TEXT NOT NULL,
    checksum_algorithm TEXT NOT NULL,
    checksum_type TEXT NOT NULL,
    checksum TEXT NOT NULL,
    -- NULL when it was not uploaded in parts.
    part_count INTEGER,
    PRIMARY KEY (bucket_id, key)
) STRICT, WITHOUT ROWID;

-- The bytes of a content: which piece of which blob comes at which position.
CREATE TABLE extents (
    content_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    length INTEGER NOT NULL,
    blob_id INTEGER NOT NULL,
    blob_offset INTEGER NOT NULL,
    PRIMARY KEY (content_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX extents_by_blob ON extents (blob_id);

CREATE TABLE uploads (
    -- Of two the later one is the larger one.
    id TEXT PRIMARY KEY,
    bucket_id INTEGER NOT NULL REFERENCES buckets (id),
    key BLOB NOT NULL,
    -- Of the object it will become.
    content_id INTEGER NOT NULL,
    initiated_ms INTEGER NOT NULL,
    -- Whether the key had an object then.
    key_existed INTEGER NOT NULL,
    headers TEXT NOT NULL,
    -- NULL when none was asked for.
    checksum_algorithm TEXT,
    checksum_type TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_key ON uploads (bucket_id, key, id);

-- Parts of uploads, and later of the objects they became.
CREATE TABLE parts (
    content_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    md5 BLOB NOT NULL,
    checksum BLOB NOT NULL,
    modified_ms INTEGER NOT NULL,
    -- Until the upload is complete, a part's bytes are a content of their own; then they have a position in the object's.
    part_content_id INTEGER,
    position INTEGER,
    PRIMARY KEY (content_id, number),
    CHECK ((part_content_id IS NULL) <> (position IS NULL))
) STRICT, WITHOUT ROWID;

-- Uploads that were completed lately, so that asking again gets the same answer.
CREATE TABLE completions (
    upload_id TEXT PRIMARY KEY,
    bucket_id INTEGER NOT NULL REFERENCES buckets (id),
    key BLOB NOT NULL,
    etag TEXT NOT NULL,
    checksum_algorithm TEXT NOT NULL,
    checksum_type TEXT NOT NULL,
    checksum TEXT NOT NULL,
    completed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
