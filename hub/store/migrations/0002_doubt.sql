-- Whether an earlier try had never reported back when the submission was last taken: RETURNING shows a row as it is after
-- the update only, and what it was before decides whether it may simply be sent.
ALTER TABLE submissions ADD COLUMN doubt INTEGER NOT NULL DEFAULT 0 CHECK (doubt IN (0, 1));
