"""Odoo 19 over its JSON-2 API: https://www.odoo.com/documentation/19.0/developer/reference/external_api.html"""
