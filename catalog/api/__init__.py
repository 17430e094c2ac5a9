"""What storefronts, tills and back offices ask of the catalogue, and send to it."""
