"""Single forms and forms in error, and all forms one after the other."""
