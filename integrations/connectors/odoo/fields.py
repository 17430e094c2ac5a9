"""Which fields of Odoo's models are read, as a 19.0 server's /doc names them."""

TEMPLATE_FIELDS = (
    "id",
    "name",
    "default_code",
    "description_sale",
    "active",
    "sale_ok",
    "categ_id",
    "currency_id",
    "attribute_line_ids",
    "write_date",
)
PHOTO_FIELDS = ("id", "image_1920")
VARIANT_FIELDS = (
    "id",
    "product_tmpl_id",
    "default_code",
    "barcode",
    "active",
    "lst_price",
    "product_template_attribute_value_ids",
    "write_date",
)
ATTRIBUTE_VALUE_FIELDS = ("id", "name", "attribute_id", "attribute_line_id", "product_tmpl_id", "ptav_active")
PARTNER_FIELDS = (
    "id",
    "name",
    "ref",
    "email",
    "phone",
    "vat",
    "is_company",
    "parent_name",
    "street",
    "street2",
    "city",
    "zip",
    "state_id",
    "country_code",
    "active",
    "write_date",
)
ORDER_FIELDS = (
    "id",
    "name",
    "client_order_ref",
    "state",
    "partner_id",
    "date_order",
    "currency_id",
    "amount_untaxed",
    "amount_tax",
    "amount_total",
    "invoice_status",
    "delivery_status",
    "order_line",
    "warehouse_id",
    "locked",
    "write_date",
)
ORDER_LINE_FIELDS = (
    "id",
    "order_id",
    "display_type",
    "product_id",
    "name",
    "product_uom_qty",
    "price_unit",
    "discount",
    "tax_ids",
    "price_subtotal",
    "price_tax",
    "price_total",
    "qty_delivered",
)
PICKING_FIELDS = ("id", "name", "origin", "state", "sale_id", "return_id", "date_done", "write_date")
DELIVERY_FIELDS = ("carrier_id", "carrier_tracking_ref", "carrier_tracking_url")  # of the module stock_delivery
MOVE_FIELDS = ("id", "picking_id", "product_id", "product_uom_qty", "quantity", "state", "sale_line_id")
INVOICE_FIELDS = (
    "id",
    "name",
    "ref",
    "state",
    "move_type",
    "payment_state",
    "currency_id",
    "amount_total",
    "amount_residual",
    "invoice_origin",
    "invoice_date",
    "invoice_date_due",
    "invoice_line_ids",
    "write_date",
)
INVOICE_LINE_FIELDS = ("id", "move_id", "display_type", "product_id", "quantity", "price_subtotal", "price_total")
PAYMENT_FIELDS = (
    "id",
    "name",
    "memo",
    "state",
    "payment_type",
    "amount",
    "currency_id",
    "date",
    "journal_id",
    "reconciled_invoice_ids",
    "write_date",
)
ACCOUNT_FIELDS = ("id", "currency_id", "credit", "credit_limit", "use_partner_credit_limit", "property_payment_term_id")
LEDGER_FIELDS = (
    "id",
    "move_id",
    "move_name",
    "move_type",
    "date",
    "debit",
    "credit",
    "amount_residual",
    "company_currency_id",
    "payment_id",
)
