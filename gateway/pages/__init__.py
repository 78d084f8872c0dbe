"""The storefront and the console: pages in a browser, served by the gateway itself; see docs/storefront.md."""
