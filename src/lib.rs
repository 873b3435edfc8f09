//! Admission control for Tower services that watches the database.
