"""The picture of the app: three layers and a shortcut over them. Inline, so that it needs no network."""

from __future__ import annotations

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0F1419"/>'
    '<path d="M6 17 Q16 1 26 17" fill="none" stroke="#5AB0FF" stroke-width="3"/>'
    '<path d="M4 18h6v8H4zM13 18h6v8h-6zM22 18h6v8h-6z" fill="#FF8A4C"/></svg>'
)
