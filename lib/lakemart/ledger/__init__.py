"""The one protocol by which every writer changes the world, its small objects, and the projection people read."""
