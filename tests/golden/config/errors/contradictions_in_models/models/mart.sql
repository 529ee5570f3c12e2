SELECT id, doc, tags, day FROM events
