"""CommCare HQ's APIs for forms, v0.4, v0.5 and v1, and the files of forms."""
