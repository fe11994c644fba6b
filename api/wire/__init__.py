"""What several families of APIs say alike. Pure."""
