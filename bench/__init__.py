"""The bench: workloads that drive the product as a process, beside their floors.

Nothing here is imported by the product, and nothing here imports it: the product is
known by its command line and its HTTP only, so that the bench can judge any version.
"""
