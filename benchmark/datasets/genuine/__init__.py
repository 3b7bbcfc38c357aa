"""The genuine files of others: download, verification and reading."""
