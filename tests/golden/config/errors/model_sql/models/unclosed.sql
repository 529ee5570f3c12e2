SELECT id, day FROM events WHERE id = 'abc
