"""What a user did since the version that answers was made, and what the shop teaches of visits and repurchases."""
