-- Version 2. How many jobs wait on each route, counted as they come and go: a queue may be long.
CREATE TABLE queue (
    route   TEXT    PRIMARY KEY,
    waiting INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO queue SELECT route, count(*) FROM job WHERE state = 0 GROUP BY route;

CREATE TRIGGER job_comes AFTER INSERT ON job WHEN new.state = 0 BEGIN
    INSERT INTO queue VALUES (new.route, 1) ON CONFLICT DO UPDATE SET waiting = waiting + 1;
END;
CREATE TRIGGER job_waits AFTER UPDATE OF state ON job WHEN old.state <> 0 AND new.state = 0 BEGIN
    INSERT INTO queue VALUES (new.route, 1) ON CONFLICT DO UPDATE SET waiting = waiting + 1;
END;
CREATE TRIGGER job_waits_no_more AFTER UPDATE OF state ON job WHEN old.state = 0 AND new.state <> 0 BEGIN
    UPDATE queue SET waiting = waiting - 1 WHERE route = new.route;
END;
CREATE TRIGGER job_goes AFTER DELETE ON job WHEN old.state = 0 BEGIN
    UPDATE queue SET waiting = waiting - 1 WHERE route = old.route;
END;

-- What is due is found without going through what is not: after an outage of what does the jobs, that is all of them.
CREATE INDEX job_due ON job (route, state, due, key);
