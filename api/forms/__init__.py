"""One form: seen, withdrawn, brought back."""
