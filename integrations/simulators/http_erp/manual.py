"""The page at / that tells how each of the three APIs is spoken, as a vendor's manual would."""

TEXT = """\
A simulated ERP and POS, spoken to over HTTP. Three APIs, one set of books.

1. LEGACY ERP                                                          base address: {base}/legacy
   XML or JSON: the answer comes as the request did (without a body, as Accept says). Root elements may have any name.
   Every answer: <Response><Status>OK</Status>…</Response>. Errors, with HTTP 200:
     <Response><Status>ERROR</Status><ErrorCode>10</ErrorCode><ErrorDescription>…</ErrorDescription></Response>
   Codes: 2 who are you, 3 session has ended, 5 not understood, 6 something is missing, 10 unknown item, 11 unknown
   customer, 12 unknown order, 13 there already, 14 not possible any more, 15 the amounts do not add up.
   Come in by one of: headers UserName and Password; Basic; Authorization: Bearer <token>; header X-Api-Key; ?api_key=;
     OAuth2 client credentials at {base}/oauth/token; POST Login <Login><UserName/><Password/></Login> → <Token/>
     <ExpiresIn/>, sent as X-Session-Token, Authorization: Bearer, cookie `session` or ?session=.
   GET  Ping                  → Company
   POST Customers             Reference Name Email Phone Address → CustomerNo
   PUT  Customers/<no>        the same → CustomerNo
   GET  Customers             Reference Email Phone (list: see below) → Customers/Customer
   POST Orders                Reference CustomerNo Currency Date Payment Paid Remark Total
                              Lines/Line: Code Text Quantity UnitPrice Amount (no Code: a charge) → OrderNo Total
   PUT  Orders/<no>           Total Lines/Line → OrderNo Total
   GET  Orders, Orders/<no>   Reference CustomerNo → Orders/Order: OrderNo Reference CustomerNo Date OrderStatus
                              Currency Total Paid Changed Lines/Line Shipments/Shipment Invoices/Invoice
   GET  Orders/<no>/Status    → OrderStatus (NEW PARTLY_SHIPPED SHIPPED CANCELLED) Shipments Invoices
   POST Orders/<no>/Cancel    all of it, or Lines/Line: Code Quantity → Cancelled=true OrderStatus
   POST Orders/<no>/Returns   Reference Reason Lines/Line: Code Quantity → ReturnNo Credited
   GET  Returns               Reference → Returns/Return
   GET  Items                 Code → Items/Item: ItemNo Code Barcode Name Description ProductNo ProductCode ProductName
                              Options/Option Price TaxRate Changed
   GET  Stock                 Code Warehouse → Stock/Row: Code Warehouse OnHand Available
   GET  Prices                Code → Prices/Row: Code PriceList Currency Price TaxRate
   GET  Ledger                CustomerNo → Balance Entries/Entry: Type No OrderNo Date Amount Balance Currency
   POST Quote                 CustomerNo Lines/Line: Code Quantity → Freight Lines/Line: Code UnitPrice Available
   Lists take Page, PageSize (up to 500) and ChangedSince (inclusive, ISO 8601), in the query or in the body of the GET,
   and answer Page, Pages, Records.

2. COMMERCEUP'S SAMPLE API                                             base address: {base}
   POST (or GET with a body), JSON or XML; headers UserName and Password, or Basic, or Bearer.
   createCustomer  name email phone address → customerId
   createOrder     orderNumber customerId currency total items[sku name quantity price amount] → orderId
   cancelOrder     orderId, items[{{"<sku>": quantity}}] for a part → success
   returnOrder     orderId reference reason items[{{"<sku>": quantity}}] → success, returnId
   Answers: {{"success": true, "message": "", …}}; refusals {{"success": false, "message": "…"}} with HTTP 200.

3. POS                                                                 base address: {base}/WebReporter/api/v1
   JSON; header X-Auth-Token: <api_key>.
   POST salesOrders           {{"salesOrder": {{onlineReferenceNo createdAt totalQuantity totalAmount paymentMode
                              customerMobile customerName orderItems[rowNo itemId itemReferenceCode salePrice quantity
                              itemAmount]}}}} → {{"result": {{"status": "Success", "id": 1001}}}}
   GET  items                 ?page= &limit= &locationId= &q=itemTimeStamp>=20261121093000 → items[itemId itemName
                              locationId itemTimeStamp stock[itemReferenceCode stock mrp salePrice]], total_pages
   GET  salesOrders, salesOrders/<id>   ?q=onlineReferenceNo==N-1,createdAt>=… → salesOrders[…status: pending,
                              delivered, canceled]

Dials (PUT {base}/_sim/dials), besides those of every simulator: auth (any, or the one way that is taken), on_duplicate
(create, refuse, same), key_header (a header that makes a repeated POST answer as before), errors_in_200 (true),
session_seconds (1800).
"""
