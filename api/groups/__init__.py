"""Groups of users in the manner of CommCare HQ."""
