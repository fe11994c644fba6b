"""The batch import API of Haplo: control files, and the job that runs a batch."""
