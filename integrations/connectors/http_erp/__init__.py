"""Any ERP or POS over HTTP, configured by form."""
