SELECT id,
       day
FORM events
