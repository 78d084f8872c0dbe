"""What a living shop is served by: the gateway, a stream into it, and a storefront to try it by."""
