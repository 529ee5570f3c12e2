"""What people see: pure functions from documents and errors to rich renderables. Nothing here prints or reads."""
