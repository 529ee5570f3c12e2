OPTIMIZE events
