-- A journal as stations began it before sqlite-utils did: layout 2 stays what this says.
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE,
    through INTEGER NOT NULL DEFAULT 0 CHECK (through >= 0), heard_s REAL
) STRICT;
CREATE TABLE records (
    id INTEGER PRIMARY KEY, event BLOB NOT NULL, crc INTEGER NOT NULL,
    card TEXT, day TEXT, points INTEGER CHECK (points >= 0), counted INTEGER CHECK (counted >= 0), lines BLOB,
    receipted_s REAL, refused TEXT
) STRICT;
CREATE INDEX records_receipted ON records (receipted_s, id);
CREATE INDEX records_refused ON records (id) WHERE refused IS NOT NULL;
CREATE TABLE roster (card TEXT PRIMARY KEY, state TEXT NOT NULL, role TEXT NOT NULL) STRICT;
CREATE TABLE told (fault TEXT PRIMARY KEY) STRICT;
CREATE TABLE owner (community TEXT NOT NULL, station TEXT NOT NULL) STRICT;
CREATE TABLE aged (seconds REAL NOT NULL) STRICT;
INSERT INTO aged VALUES (0);
CREATE VIEW outbox AS
    SELECT id, epoch, id & 4294967295 AS sequence, event, receipted_s, refused
    FROM records JOIN epochs ON number = id >> 32;
CREATE VIEW awards AS
    SELECT id, epoch, id & 4294967295 AS sequence, card, day, points, counted, lines
    FROM records JOIN epochs ON number = id >> 32 WHERE card IS NOT NULL;
CREATE VIEW visits AS
    SELECT id, epoch, id & 4294967295 AS sequence, card, day,
        json_extract(CAST(event AS TEXT), '$.facts') AS facts
    FROM records JOIN epochs ON number = id >> 32 WHERE card IS NOT NULL;
PRAGMA user_version = 2;
