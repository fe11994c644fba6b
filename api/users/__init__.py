"""Mobile workers in the manner of CommCare HQ."""
