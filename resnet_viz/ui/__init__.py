"""The only package that imports streamlit: components, drafts in the address, what the pages are put together from."""
