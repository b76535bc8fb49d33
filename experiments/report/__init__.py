"""The report: pictures first, then tables, in one page that opens without a network."""
