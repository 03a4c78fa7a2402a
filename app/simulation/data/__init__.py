"""The price list; `README.md` says where it comes from."""
