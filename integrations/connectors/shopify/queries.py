"""The GraphQL documents sent to the Admin API 2026-07: https://shopify.dev/docs/api/admin-graphql/2026-07

Sizes of inner lists keep each query below the 1,000 points one may cost
(https://shopify.dev/docs/api/usage/limits#single-query-limit); what an inner list leaves out is read by itself.
"""

from __future__ import annotations

PAGE = "pageInfo { hasNextPage endCursor }"
ERRORS = "userErrors { field message }"
CODED = "userErrors { field message code }"
MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
SHOP_MONEY = "{ shopMoney { amount currencyCode } }"
TAXES = f"taxLines {{ title ratePercentage priceSet {SHOP_MONEY} }}"
ADDRESS = "name company address1 address2 city provinceCode zip countryCodeV2 phone"

VARIANT = """
id sku barcode title price updatedAt
selectedOptions { name value }
"""
PRODUCT = f"""
id handle title descriptionHtml status vendor productType tags updatedAt
options {{ id name position optionValues {{ name }} }}
media(first: 5) {{ nodes {{ ... on MediaImage {{ id image {{ url }} }} }} }}
variants(first: 25) {{ nodes {{ {VARIANT} }} {PAGE} }}
"""
CUSTOMER = f"""
id displayName firstName lastName note tags createdAt updatedAt
defaultEmailAddress {{ emailAddress }}
defaultPhoneNumber {{ phoneNumber }}
defaultAddress {{ {ADDRESS} }}
"""
LINE = f"""
id name sku quantity isGiftCard
variant {{ id }}
originalUnitPriceSet {SHOP_MONEY}
originalTotalSet {SHOP_MONEY}
discountAllocations {{ allocatedAmountSet {SHOP_MONEY} }}
{TAXES}
"""
REFUND = f"""
id note createdAt
totalRefundedSet {SHOP_MONEY}
refundLineItems(first: 10) {{
  nodes {{ quantity lineItem {{ id sku }} subtotalSet {SHOP_MONEY} totalTaxSet {SHOP_MONEY} }}
}}
refundShippingLines(first: 2) {{
  nodes {{ shippingLine {{ id }} subtotalAmountSet {SHOP_MONEY} taxAmountSet {SHOP_MONEY} }}
}}
"""
ORDER = f"""
id name createdAt processedAt updatedAt cancelledAt
displayFinancialStatus displayFulfillmentStatus returnStatus
currencyCode presentmentCurrencyCode taxesIncluded
totalPriceSet {MONEY}
totalTaxSet {SHOP_MONEY}
totalTipReceivedSet {SHOP_MONEY}
originalTotalDutiesSet {SHOP_MONEY}
email phone note tags paymentGatewayNames sourceIdentifier
retailLocation {{ id }}
customer {{ id displayName defaultEmailAddress {{ emailAddress }} defaultPhoneNumber {{ phoneNumber }} }}
billingAddress {{ {ADDRESS} }}
shippingAddress {{ {ADDRESS} }}
lineItems(first: 20) {{ nodes {{ {LINE} }} {PAGE} }}
shippingLines(first: 3) {{
  nodes {{
    id title code originalPriceSet {SHOP_MONEY} discountedPriceSet {SHOP_MONEY} {TAXES}
  }}
}}
transactions(first: 10) {{
  id kind status gateway formattedGateway processedAt createdAt amountSet {SHOP_MONEY} parentTransaction {{ id }}
}}
refunds(first: 5) {{ {REFUND} }}
"""
FULFILMENT = "id name status createdAt updatedAt trackingInfo(first: 1) { company number url }"
RETURN = """
nodes {
  id name status createdAt
  returnLineItems(first: 10) {
    nodes {
      id quantity returnReasonNote
      ... on ReturnLineItem { fulfillmentLineItem { lineItem { id sku variant { id } } } }
    }
  }
}
"""
SUBSCRIPTION = "id topic uri"

# --- reads -----------------------------------------------------------------------------------------------------------

CHECK = """
query Check {
  shop { name myshopifyDomain currencyCode }
  currentAppInstallation { accessScopes { handle } }
}
"""
CURRENCY = "query Currency { shop { currencyCode } }"
PRODUCTS = f"""
query Products($first: Int!, $after: String, $query: String) {{
  products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{ nodes {{ {PRODUCT} }} {PAGE} }}
}}
"""
PRODUCT_BY_ID = f"query Product($id: ID!) {{ product(id: $id) {{ {PRODUCT} }} }}"
MORE_VARIANTS = f"""
query MoreVariants($id: ID!, $after: String) {{
  product(id: $id) {{ variants(first: 100, after: $after) {{ nodes {{ {VARIANT} }} {PAGE} }} }}
}}
"""
VARIANTS_BY_SKU = """
query VariantsBySku($query: String!) {
  productVariants(first: 10, query: $query) { nodes { id sku product { id } } }
}
"""
PRODUCTS_COUNT = "query ProductsCount($query: String) { productsCount(query: $query, limit: null) { count } }"
PRICES = f"""
query Prices($first: Int!, $after: String) {{
  productVariants(first: $first, after: $after, sortKey: ID) {{ nodes {{ id price }} {PAGE} }}
}}
"""
STOCK = f"""
query Stock($first: Int!, $after: String) {{
  productVariants(first: $first, after: $after, sortKey: ID) {{
    nodes {{
      id
      inventoryItem {{
        id tracked
        inventoryLevels(first: 10) {{
          nodes {{ location {{ id }} quantities(names: ["available"]) {{ name quantity }} }} {PAGE}
        }}
      }}
    }}
    {PAGE}
  }}
}}
"""
MORE_LEVELS = f"""
query MoreLevels($id: ID!, $after: String) {{
  inventoryItem(id: $id) {{
    inventoryLevels(first: 50, after: $after) {{
      nodes {{ location {{ id }} quantities(names: ["available"]) {{ name quantity }} }} {PAGE}
    }}
  }}
}}
"""
LEVELS = """
query Levels($ids: [ID!]!, $location: ID!) {
  nodes(ids: $ids) {
    ... on ProductVariant {
      id
      inventoryItem {
        id tracked
        inventoryLevel(locationId: $location) { quantities(names: ["available"]) { name quantity } }
      }
    }
  }
}
"""
LOCATIONS = f"""
query Locations($after: String) {{
  locations(first: 50, after: $after, includeInactive: true) {{ nodes {{ id name isActive }} {PAGE} }}
}}
"""
ORDERS = f"""
query Orders($first: Int!, $after: String, $query: String) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{ nodes {{ {ORDER} }} {PAGE} }}
}}
"""
ORDER_BY_ID = f"query Order($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}"
MORE_LINES = f"""
query MoreLines($id: ID!, $after: String) {{
  order(id: $id) {{ lineItems(first: 50, after: $after) {{ nodes {{ {LINE} }} {PAGE} }} }}
}}
"""
ORDERS_COUNT = "query OrdersCount($query: String) { ordersCount(query: $query, limit: null) { count } }"
CUSTOMERS = f"""
query Customers($first: Int!, $after: String, $query: String) {{
  customers(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{ nodes {{ {CUSTOMER} }} {PAGE} }}
}}
"""
CUSTOMER_BY_ID = f"query Customer($id: ID!) {{ customer(id: $id) {{ {CUSTOMER} }} }}"
SHIPPED = f"""
query Shipped($id: ID!) {{
  order(id: $id) {{
    id name
    fulfillments(first: 50) {{
      {FULFILMENT}
      fulfillmentLineItems(first: 10) {{ nodes {{ id quantity lineItem {{ id sku variant {{ id }} }} }} }}
    }}
    fulfillmentOrders(first: 10) {{
      nodes {{
        id status
        lineItems(first: 20) {{ nodes {{ id remainingQuantity sku variant {{ id }} lineItem {{ id }} }} }}
      }}
    }}
  }}
}}
"""
RETURNS = f"""
query Returns($first: Int!, $after: String, $query: String) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{
      id updatedAt
      returns(first: 5) {{ {RETURN} }}
    }}
    {PAGE}
  }}
}}
"""
ORDER_RETURNS = f"""
query OrderReturns($id: ID!) {{
  order(id: $id) {{ id updatedAt returns(first: 10) {{ {RETURN} }} }}
}}
"""
PARENTS = """
query Parents($ids: [ID!]!) { nodes(ids: $ids) { ... on ProductVariant { id product { id } } } }
"""
WEBHOOKS = f"""
query Webhooks($after: String) {{
  webhookSubscriptions(first: 50, after: $after) {{ nodes {{ {SUBSCRIPTION} }} {PAGE} }}
}}
"""

# --- state -----------------------------------------------------------------------------------------------------------

SET_STOCK = f"""
mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {{
  inventorySetQuantities(input: $input) @idempotent(key: $key) {{ inventoryAdjustmentGroup {{ id }} {CODED} }}
}}
"""
ACTIVATE = f"""
mutation Activate($item: ID!, $location: ID!, $available: Int!, $key: String!) {{
  inventoryActivate(inventoryItemId: $item, locationId: $location, available: $available) @idempotent(key: $key) {{
    inventoryLevel {{ id }} {ERRORS}
  }}
}}
"""
UPDATE_VARIANTS = f"""
mutation UpdateVariants($product: ID!, $variants: [ProductVariantsBulkInput!]!) {{
  productVariantsBulkUpdate(productId: $product, variants: $variants, allowPartialUpdates: true) {{
    productVariants {{ id }} {CODED}
  }}
}}
"""
UPDATE_PRODUCT = f"""
mutation UpdateProduct($product: ProductUpdateInput!) {{
  productUpdate(product: $product) {{ product {{ id }} {ERRORS} }}
}}
"""

# --- commands --------------------------------------------------------------------------------------------------------

SET_PRODUCT = f"""
mutation SetProduct($input: ProductSetInput!) {{
  productSet(input: $input, synchronous: true) {{
    product {{ id handle variants(first: 100) {{ nodes {{ id sku }} {PAGE} }} }} {CODED}
  }}
}}
"""
CREATE_CUSTOMER = f"""
mutation CreateCustomer($input: CustomerInput!) {{
  customerCreate(input: $input) {{ customer {{ {CUSTOMER} }} {ERRORS} }}
}}
"""
UPDATE_CUSTOMER = f"""
mutation UpdateCustomer($input: CustomerInput!) {{
  customerUpdate(input: $input) {{ customer {{ {CUSTOMER} }} {ERRORS} }}
}}
"""
CREATE_ORDER = f"""
mutation CreateOrder($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {{
  orderCreate(order: $order, options: $options) {{ order {{ {ORDER} }} {CODED} }}
}}
"""
CANCEL_ORDER = """
mutation CancelOrder($id: ID!, $refund: OrderCancelRefundMethodInput) {
  orderCancel(
    orderId: $id, reason: OTHER, restock: true, notifyCustomer: false, refundMethod: $refund,
    staffNote: "Cancelled in the back office."
  ) { job { id done } orderCancelUserErrors { field message code } }
}
"""
CREATE_FULFILMENT = f"""
mutation CreateFulfillment($fulfillment: FulfillmentInput!) {{
  fulfillmentCreate(fulfillment: $fulfillment) {{ fulfillment {{ {FULFILMENT} }} {ERRORS} }}
}}
"""
CREATE_RETURN = f"""
mutation CreateReturn($input: ReturnInput!) {{
  returnCreate(returnInput: $input) {{ return {{ id name status }} {CODED} }}
}}
"""
CREATE_REFUND = f"""
mutation CreateRefund($input: RefundInput!, $key: String!) {{
  refundCreate(input: $input) @idempotent(key: $key) {{ refund {{ {REFUND} }} {ERRORS} }}
}}
"""
PAY = f"""
mutation Pay($id: ID!, $amount: MoneyInput!, $method: String!, $at: DateTime!) {{
  orderCreateManualPayment(id: $id, amount: $amount, paymentMethodName: $method, processedAt: $at) {{
    order {{ id transactions {{ id gateway formattedGateway }} }} {ERRORS}
  }}
}}
"""
SUBSCRIBE = f"""
mutation Subscribe($topic: WebhookSubscriptionTopic!, $uri: String!) {{
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {{uri: $uri, format: JSON}}) {{
    webhookSubscription {{ {SUBSCRIPTION} }} {ERRORS}
  }}
}}
"""
UNSUBSCRIBE = f"""
mutation Unsubscribe($id: ID!) {{
  webhookSubscriptionDelete(id: $id) {{ deletedWebhookSubscriptionId {ERRORS} }}
}}
"""
DOCUMENTS = {name: text for name, text in globals().items() if isinstance(text, str) and text.lstrip().startswith(
    ("query ", "mutation ")
)}  # fmt: skip
